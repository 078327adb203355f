#pragma once

#include <concepts>
#include <type_traits>

#include "attend/task/image_classify.h"
#include "task/training_fields.h"

namespace attend::task {

/// Calls visit(key, field, accepted values) for every option but the model's: the one list of them.
template <class Options, class Visit>
requires std::same_as<std::remove_const_t<Options>, ImageClassifyOptions>
void for_each_option(Options& o, Visit&& visit) {
  using Real = Range<double>;
  visit("preset", o.preset, Anything{true});
  visit("init", o.init, Anything{});
  visit("size", o.size, Range<std::int64_t>{0, 4096});
  visit("skip_bad", o.skip_bad, Anything{});
  visit("crop_padding", o.crop_padding, Range<std::int64_t>{0, 1024});
  visit("flip", o.flip, Anything{});
  visit("rotation", o.rotation, Real{0, 180});
  visit("jitter", o.jitter, Real{0, 1});
  visit("erasing", o.erasing, Real{0, 1});
  visit("mixup", o.mixup, Real{0, 1000});
  visit("cutmix", o.cutmix, Real{0, 1000});
  visit("teacher", o.teacher, Anything{});
  visit("monitor", o.monitor, Words{{"accuracy", "loss"}});
  for_each_training_option(o, visit);
}

}  // namespace attend::task
