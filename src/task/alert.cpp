#include "attend/task/alert.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "attend/base/error.h"
#include "io/printable.h"

namespace attend::task {

namespace {

constexpr std::int64_t kLargestWindow = 1'000'000;

[[noreturn]] void fail(std::string_view text, const std::string& why) {
  throw Error(
      fmt::format("alert {}: {}; expected COLUMN=LABEL rate>NUMBER window=NUMBER", io::printable(text), why));
}

template <class T>
T number_behind(std::string_view text, std::string_view word, std::string_view digits) {
  T value{};
  const char* end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc() || rest != end)
    fail(text, fmt::format("{} is no number behind {}", io::printable(digits), word));
  return value;
}

void check(const AlertRule& rule) {
  if (!(rule.rate >= 0 && rule.rate < 1))
    throw Error(fmt::format("alert: rate {}: a number from 0 and below 1 is accepted", rule.rate));
  if (rule.window < 1 || rule.window > kLargestWindow)
    throw Error(fmt::format("alert: window {}: 1 to {} is accepted", rule.window, kLargestWindow));
}

/// Cuts the last word from `rest` and gives what stands behind `name` in it.
std::string_view take_last(std::string_view text, std::string_view& rest, std::string_view name) {
  const std::size_t space = rest.find_last_of(' ');
  const std::string_view word = space == rest.npos ? rest : rest.substr(space + 1);
  if (space == rest.npos || !word.starts_with(name)) fail(text, fmt::format("no {}", name));
  rest = rest.substr(0, rest.find_last_not_of(' ', space) + 1);
  return word.substr(name.size());
}

}  // namespace

AlertRule parse_alert(std::string_view text, const std::vector<std::string>& columns) {
  std::string_view rest = text.substr(0, text.find_last_not_of(' ') + 1);
  AlertRule rule;
  rule.window = number_behind<std::int64_t>(text, "window=", take_last(text, rest, "window="));
  rule.rate = number_behind<double>(text, "rate>", take_last(text, rest, "rate>"));
  // A column's name may hold '=' itself.
  for (const std::string& column : columns)
    if (rest.starts_with(column + "=") && column.size() >= rule.column.size()) rule.column = column;
  if (!rule.column.empty()) {
    rule.label = rest.substr(rule.column.size() + 1);
  } else if (columns.size() == 1 && rest.find('=') == rest.npos) {
    rule.column = columns.front();
    rule.label = rest;
  } else {
    fail(text, fmt::format("it begins with none of the columns {}", fmt::join(columns, ", ")));
  }
  if (rule.label.empty()) fail(text, "no label");
  check(rule);
  return rule;
}

AlertWindow::AlertWindow(const AlertRule& rule) : rule_(rule) {
  check(rule);
  latest_.resize(static_cast<std::size_t>(rule.window));
}

double AlertWindow::share() const {
  const std::int64_t counted = std::min(seen_, rule_.window);
  return counted == 0 ? 0 : static_cast<double>(hits_) / static_cast<double>(counted);
}

AlertWindow::Change AlertWindow::push(bool has_label) {
  hits_ += (has_label ? 1 : 0) - (latest_[next_] ? 1 : 0);
  latest_[next_] = has_label;
  next_ = (next_ + 1) % latest_.size();
  ++seen_;
  const bool above = seen_ >= rule_.window && share() > rule_.rate;
  if (above == raised_) return Change::none;
  raised_ = above;
  return above ? Change::raised : Change::ended;
}

}  // namespace attend::task
