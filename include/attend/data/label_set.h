#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace attend::data {

/// The different labels of one column, in the order of their bytes: class i is names()[i].
class LabelSet {
 public:
  /// Most labels of a column.
  static constexpr std::size_t kMost = 10000;

  LabelSet() = default;
  /// The different ones of `labels`. Throws Error naming the column unless there are 2 to kMost.
  LabelSet(std::string column, const std::vector<std::string>& labels);

  const std::string& column() const { return column_; }
  const std::vector<std::string>& names() const { return names_; }
  std::int64_t size() const { return static_cast<std::int64_t>(names_.size()); }

  /// The class of a label.
  std::optional<std::int64_t> find(std::string_view label) const;

  /// "column 'topic' has no label 'sprots'; did you mean 'sports'? ...", for a label that find() does not
  /// know.
  std::string unknown(std::string_view label) const;

  bool operator==(const LabelSet&) const = default;

 private:
  std::string column_;
  std::vector<std::string> names_;
};

}  // namespace attend::data
