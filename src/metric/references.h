#pragma once

#include <span>
#include <string>
#include <string_view>

#include "attend/metric/references.h"

namespace attend::metric {

/// Throws Error unless there is a segment, each segment has a reference, and all of it is UTF-8. `metric` is
/// the name that the message begins with.
void check_segments(std::string_view metric, std::span<const std::string> hypotheses,
                    std::span<const std::vector<std::string>> references);

/// sacreBLEU's "nrefs:1|case:mixed|`settings`|version:2.6.0".
std::string make_signature(std::span<const std::vector<std::string>> references, bool lowercase,
                           std::string_view settings);

}  // namespace attend::metric
