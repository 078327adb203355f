#pragma once

#include <fmt/ranges.h>

#include <concepts>
#include <type_traits>

#include "attend/task/classify.h"
#include "task/training_fields.h"

namespace attend::task {

/// Calls visit(key, field, accepted values) for every option but the model's: the one list of them.
template <class Options, class Visit>
requires std::same_as<std::remove_const_t<Options>, ClassifyOptions>
void for_each_option(Options& o, Visit&& visit) {
  visit("preset", o.preset, Anything{true});
  visit("pooling", o.pooling, Words{{"first", "mean", "attention"}});
  visit("bag_of_words", o.bag_of_words, Anything{});
  for_each_encoder_option(o, visit);
  visit("text", o.text, Anything{});
  visit("labels", o.labels, Anything{});
  visit("header", o.header, Anything{});
  visit("skip_bad", o.skip_bad, Anything{});
  visit("token_dropout", o.token_dropout, Range<double>{0, 0.999});
  visit("monitor", o.monitor, Words{{"accuracy", "macro-f1", "loss"}});
  for_each_training_option(o, visit);
}

}  // namespace attend::task
