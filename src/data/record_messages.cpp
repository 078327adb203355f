#include "data/record_messages.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/nearest.h"
#include "io/printable.h"

namespace attend::data {

ReadOptions throwing(ReadOptions options) {
  options.bad_records = BadRecords::kThrow;
  return options;
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\n\v\f\r") == text.npos;
}

std::string missing_name(std::string_view kind, std::string_view name,
                         const std::vector<std::string>& known) {
  constexpr std::size_t kMostShown = 20;
  const std::vector<std::string> first(
      known.begin(), known.begin() + static_cast<std::ptrdiff_t>(std::min(known.size(), kMostShown)));
  std::string message = fmt::format("no {} {}", kind, io::printable(name));
  const std::string near = nearest(name.substr(0, 60), known);
  if (!near.empty()) message += fmt::format("; did you mean {}?", io::printable(near));
  if (known.empty()) return message + "; there is none";
  message += near.empty() ? "; there are: " : " There are: ";
  for (const std::string& shown : first) {
    if (&shown != &first.front()) message += ", ";
    message += io::printable(shown);
  }
  if (known.size() > first.size()) message += fmt::format(" and {} more", known.size() - first.size());
  return message;
}

std::string counted(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

}  // namespace attend::data
