#pragma once

#include <concepts>
#include <type_traits>

#include "attend/task/image_generate.h"
#include "task/training_fields.h"

namespace attend::task {

/// Calls visit(key, field, accepted values) for every option but the model's: the one list of them.
template <class Options, class Visit>
requires std::same_as<std::remove_const_t<Options>, ImageGenerateOptions>
void for_each_option(Options& o, Visit&& visit) {
  visit("preset", o.preset, Anything{true});
  visit("size", o.size, Range<std::int64_t>{0, 4096});
  visit("skip_bad", o.skip_bad, Anything{});
  visit("flip", o.flip, Anything{});
  visit("discriminator_updates", o.discriminator_updates, Range<std::int64_t>{1, 100});
  visit("generator_learning_rate", o.generator_learning_rate, Range<double>{0, 1e3, true});
  visit("perceptual", o.perceptual, Anything{});
  visit("perceptual_weight", o.perceptual_weight, Range<double>{0, 1e6});
  for_each_training_option(o, visit);
}

}  // namespace attend::task
