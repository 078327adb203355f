#pragma once

#include <concepts>
#include <type_traits>

#include "attend/task/detect.h"
#include "task/training_fields.h"

namespace attend::task {

/// Calls visit(key, field, accepted values) for every option but the model's: the one list of them.
template <class Options, class Visit>
requires std::same_as<std::remove_const_t<Options>, DetectOptions>
void for_each_option(Options& o, Visit&& visit) {
  using Real = Range<double>;
  visit("preset", o.preset, Anything{true});
  visit("size", o.size, Range<std::int64_t>{16, 4096});
  visit("skip_bad", o.skip_bad, Anything{});
  visit("flip", o.flip, Anything{});
  visit("rotation", o.rotation, Real{0, 180});
  visit("jitter", o.jitter, Real{0, 1});
  visit("zoom", o.zoom, Real{0, 3});
  visit("monitor", o.monitor, Words{{"ap50", "ap", "loss"}});
  for_each_training_option(o, visit);
}

}  // namespace attend::task
