#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace attend::task {

/// When the share of one label among the latest texts is too large: "sentiment=negative rate>0.3 window=200".
struct AlertRule {
  std::string column, label;
  double rate = 0;          ///< alert above this share, from 0 and below 1
  std::int64_t window = 0;  ///< of so many latest texts, 1 to 1,000,000

  bool operator==(const AlertRule&) const = default;
};

/// Reads "COLUMN=LABEL rate>NUMBER window=NUMBER". COLUMN= may be left out for a model of one column, which
/// is `columns[0]`. The label may have spaces. Throws Error naming the rule and what is wrong, also for a
/// column that is not among `columns`.
AlertRule parse_alert(std::string_view text, const std::vector<std::string>& columns);

/// What the next of a stream changes.
enum class AlertChange : std::uint8_t {
  none,
  raised,  ///< what is watched for has begun
  ended,   ///< it is over
};

/// Watches the labels of a stream, one after the other.
class AlertWindow {
 public:
  /// Throws Error for a rate or window out of range.
  explicit AlertWindow(const AlertRule& rule);

  /// Takes in whether the next text has the label: raised when the share has risen above the rate, ended when
  /// it has come back to the rate or below. Before the window is full for the first time nothing is
  /// raised: a share of few texts says little.
  AlertChange push(bool has_label);

  const AlertRule& rule() const { return rule_; }
  /// The share among the latest texts, at most `window` of them; 0 before the first.
  double share() const;

 private:
  AlertRule rule_;
  std::vector<bool> latest_;
  std::size_t next_ = 0;
  std::int64_t seen_ = 0, hits_ = 0;
  bool raised_ = false;
};

}  // namespace attend::task
