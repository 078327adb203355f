#include "metric/references.h"

#include <fmt/format.h>

#include <algorithm>

#include "attend/base/error.h"
#include "metric/text.h"

namespace attend::metric {

References single_references(std::span<const std::string> references) {
  References result;
  result.reserve(references.size());
  for (const std::string& reference : references) result.push_back({reference});
  return result;
}

void check_segments(std::string_view metric, std::span<const std::string> hypotheses,
                    std::span<const std::vector<std::string>> references) {
  if (hypotheses.size() != references.size())
    throw Error(fmt::format("{}: {} hypotheses for {} segments with references; there must be one for each",
                            metric, hypotheses.size(), references.size()));
  if (hypotheses.empty()) throw Error(fmt::format("{}: no segments; at least one is needed", metric));
  for (std::size_t i = 0; i < hypotheses.size(); ++i) {
    if (references[i].empty())
      throw Error(fmt::format("{}: segment {} has no reference; at least one is needed", metric, i + 1));
    check_utf8(hypotheses[i], fmt::format("{}: hypothesis {}", metric, i + 1));
    for (const std::string& reference : references[i])
      check_utf8(reference, fmt::format("{}: a reference of segment {}", metric, i + 1));
  }
}

std::string make_signature(std::span<const std::vector<std::string>> references, bool lowercase,
                           std::string_view settings) {
  const std::size_t count = references.front().size();
  const bool same_count = std::all_of(references.begin(), references.end(),
                                      [count](const auto& segment) { return segment.size() == count; });
  return fmt::format("nrefs:{}|case:{}|{}|version:{}", same_count ? std::to_string(count) : "var",
                     lowercase ? "lc" : "mixed", settings, kSacreBleuVersion);
}

}  // namespace attend::metric
