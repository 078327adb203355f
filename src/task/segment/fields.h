#pragma once

#include <concepts>
#include <type_traits>

#include "attend/task/segment.h"
#include "task/training_fields.h"

namespace attend::task {

/// Calls visit(key, field, accepted values) for every option but the model's: the one list of them.
template <class Options, class Visit>
requires std::same_as<std::remove_const_t<Options>, SegmentOptions>
void for_each_option(Options& o, Visit&& visit) {
  using Real = Range<double>;
  visit("preset", o.preset, Anything{true});
  visit("init", o.init, Anything{});
  visit("crop", o.crop, Range<std::int64_t>{0, 4096});
  visit("skip_bad", o.skip_bad, Anything{});
  visit("flip", o.flip, Anything{});
  visit("rotation", o.rotation, Real{0, 180});
  visit("jitter", o.jitter, Real{0, 1});
  visit("dice", o.dice, Real{0, 1000});
  visit("monitor", o.monitor, Words{{"iou", "loss"}});
  for_each_training_option(o, visit);
}

}  // namespace attend::task
