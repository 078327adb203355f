#pragma once

#include <concepts>
#include <type_traits>

#include "attend/task/search.h"
#include "task/training_fields.h"

namespace attend::task {

/// Calls visit(key, field, accepted values) for every option but the model's: the one list of them.
template <class Options, class Visit>
requires std::same_as<std::remove_const_t<Options>, SearchOptions>
void for_each_option(Options& o, Visit&& visit) {
  visit("preset", o.preset, Anything{true});
  visit("pooling", o.pooling, Words{{"first", "mean", "attention"}});
  for_each_encoder_option(o, visit);
  visit("temperature", o.temperature, Range<double>{1e-3, 100});
  visit("token_dropout", o.token_dropout, Range<double>{0, 0.999});
  for_each_training_option(o, visit);
}

}  // namespace attend::task
