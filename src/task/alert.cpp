#include "attend/task/alert.h"

#include <fmt/format.h>

#include <algorithm>

#include "attend/base/error.h"
#include "io/printable.h"
#include "task/rule_words.h"

namespace attend::task {

namespace {

constexpr std::int64_t kLargestWindow = 1'000'000;

[[noreturn]] void fail(std::string_view text, const std::string& why) {
  throw Error(
      fmt::format("alert {}: {}; expected COLUMN=LABEL rate>NUMBER window=NUMBER", io::printable(text), why));
}

/// Cuts the last word, which is `name` and a number, from `rest`.
template <class T>
T number_behind(std::string_view text, std::string_view& rest, std::string_view name) {
  const auto digits = take_last_word(rest, name);
  if (!digits) fail(text, fmt::format("no {}", name));
  const auto value = number_of<T>(*digits);
  if (!value) fail(text, fmt::format("{} is no number behind {}", io::printable(*digits), name));
  return *value;
}

void check(const AlertRule& rule) {
  if (!(rule.rate >= 0 && rule.rate < 1))
    throw Error(fmt::format("alert: rate {}: a number from 0 and below 1 is accepted", rule.rate));
  if (rule.window < 1 || rule.window > kLargestWindow)
    throw Error(fmt::format("alert: window {}: 1 to {} is accepted", rule.window, kLargestWindow));
}

}  // namespace

AlertRule parse_alert(std::string_view text, const std::vector<std::string>& columns) {
  std::string_view rest = without_spaces_behind(text);
  AlertRule rule;
  rule.window = number_behind<std::int64_t>(text, rest, "window=");
  rule.rate = number_behind<double>(text, rest, "rate>");
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

AlertChange AlertWindow::push(bool has_label) {
  hits_ += (has_label ? 1 : 0) - (latest_[next_] ? 1 : 0);
  latest_[next_] = has_label;
  next_ = (next_ + 1) % latest_.size();
  ++seen_;
  const bool above = seen_ >= rule_.window && share() > rule_.rate;
  if (above == raised_) return AlertChange::none;
  raised_ = above;
  return above ? AlertChange::raised : AlertChange::ended;
}

}  // namespace attend::task
