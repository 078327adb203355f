#include "cli/checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/nearest.h"
#include "io/printable.h"

namespace attend::cli {

namespace {

template <class T>
bool parses(const std::string& text, T& value) {
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && rest == end;
}

template <class T>
std::string accepted(const char* kind, T least, T most, T endless) {
  if (most >= endless) return fmt::format("{} of at least {}", kind, least);
  return fmt::format("{} from {} to {}", kind, least, most);
}

}  // namespace

CLI::Validator whole_number(std::int64_t least, std::int64_t most) {
  return CLI::Validator(
      [=](std::string& text) -> std::string {
        std::int64_t value = 0;
        if (parses(text, value) && value >= least && value <= most) return {};
        return fmt::format("{} given, {} accepted", io::printable(text),
                           accepted("a whole number", least, most, INT64_MAX));
      },
      "");
}

CLI::Validator number(double least, double most) {
  return CLI::Validator(
      [=](std::string& text) -> std::string {
        double value = 0;
        if (parses(text, value) && value >= least && value <= most) return {};
        return fmt::format("{} given, {} accepted", io::printable(text),
                           accepted("a number", least, most, 1e300));
      },
      "");
}

CLI::Validator path() {
  return CLI::Validator(
      [](std::string& text) -> std::string { return text.empty() ? "'' given, a path is needed" : ""; }, "");
}

CLI::Validator one_of(std::vector<std::string> words) {
  return CLI::Validator(
      [words = std::move(words)](std::string& text) -> std::string {
        if (std::ranges::find(words, text) != words.end()) return {};
        const std::string near = nearest(text, words);
        return fmt::format("{} given, {} accepted{}", io::printable(text), fmt::join(words, ", "),
                           near.empty() ? "" : fmt::format("; did you mean {}?", near));
      },
      "");
}

}  // namespace attend::cli
