#pragma once

#include <span>
#include <string>
#include <vector>

namespace attend::metric {

/// The references of each segment (a line, mostly a sentence): at least one, and not always equally many.
using References = std::vector<std::vector<std::string>>;

/// References of which each segment has one.
References single_references(std::span<const std::string> references);

/// The release of sacreBLEU whose numbers BLEU and chrF give, and which their signatures name.
inline constexpr const char* kSacreBleuVersion = "2.6.0";

}  // namespace attend::metric
