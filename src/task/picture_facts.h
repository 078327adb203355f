#pragma once

#include <cstdint>

#include "task/option_ranges.h"

namespace attend::task {

/// Calls visit(key, field, accepted values) for every field of what a task keeps of the pictures it learned
/// from.
template <class Facts, class Visit>
void for_each_picture_fact(Facts& facts, Visit&& visit) {
  const Range<std::int64_t> count{0, INT64_MAX};
  visit("path", facts.path, Anything{});
  visit("validation_path", facts.validation_path, Anything{});
  visit("checksum", facts.checksum, Anything{});
  visit("pictures", facts.pictures, count);
  visit("validation_pictures", facts.validation_pictures, count);
  visit("skipped", facts.skipped, count);
}

}  // namespace attend::task
