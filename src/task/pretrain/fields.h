#pragma once

#include <concepts>
#include <type_traits>

#include "attend/task/pretrain.h"
#include "task/training_fields.h"

namespace attend::task {

/// Calls visit(key, field, accepted values) for every option but the model's: the one list of them.
template <class Options, class Visit>
requires std::same_as<std::remove_const_t<Options>, PretrainOptions>
void for_each_option(Options& o, Visit&& visit) {
  visit("preset", o.preset, Anything{true});
  for_each_encoder_option(o, visit);
  visit("mask_share", o.mask_share, Range<double>{0.001, 0.999});
  visit("mask_words", o.mask_words, Anything{});
  for_each_training_option(o, visit);
}

}  // namespace attend::task
