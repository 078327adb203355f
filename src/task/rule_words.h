#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

/// What readers of one-line rules share.
namespace attend::task {

inline std::string_view without_spaces_behind(std::string_view text) {
  return text.substr(0, text.find_last_not_of(' ') + 1);
}

/// If the last word of `rest`, which is not its only one, begins with `name`: cuts it off and gives what
/// stands behind `name` in it.
inline std::optional<std::string_view> take_last_word(std::string_view& rest, std::string_view name) {
  const std::size_t space = rest.find_last_of(' ');
  if (space == rest.npos || !rest.substr(space + 1).starts_with(name)) return {};
  const std::string_view value = rest.substr(space + 1 + name.size());
  rest = without_spaces_behind(rest.substr(0, space));
  return value;
}

/// The number that all of `digits` is.
template <class T>
std::optional<T> number_of(std::string_view digits) {
  T value{};
  const char* end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc() || rest != end) return {};
  return value;
}

}  // namespace attend::task
