#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Text the way Python sees it. The tools whose numbers the metrics must give are written in Python and lean
/// on its str.split(), str.lower() and regular expressions. All text here is UTF-8.
namespace attend::metric {

/// What str.split() splits at and \s matches.
bool is_space(std::int32_t code_point);

/// What \w matches: letters, numbers and '_', but no combining marks.
bool is_word(std::int32_t code_point);

/// str.split(): the runs of characters that are no space. They are views into `text`.
std::vector<std::string_view> split(std::string_view text);

/// str.lower(): the full mapping of Unicode, with the two forms of the small sigma.
std::string lower(std::string_view text);

/// str.replace(from, to).
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

/// The words with one space between two.
std::string join(const std::vector<std::string_view>& words);

/// Throws Error "`what` is not UTF-8: ..." unless `text` is UTF-8.
void check_utf8(std::string_view text, std::string_view what);

}  // namespace attend::metric
