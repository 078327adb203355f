#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace attend {

/// The known name that needs the fewest single-letter edits (Levenshtein, 1966) to become `name`; empty when
/// none is near: more than a third of the letters, and more than two, would have to change.
std::string nearest(std::string_view name, const std::vector<std::string>& known);

}  // namespace attend
