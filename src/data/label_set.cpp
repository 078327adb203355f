#include "attend/data/label_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "attend/base/error.h"
#include "data/record_messages.h"
#include "io/printable.h"

namespace attend::data {

LabelSet::LabelSet(std::string column, const std::vector<std::string>& labels) : column_(std::move(column)) {
  const std::set<std::string> different(labels.begin(), labels.end());
  if (different.size() < 2 || different.size() > kMost)
    throw Error(fmt::format("column {} has {}; expected 2 to {} to choose between", io::printable(column_),
                            counted(different.size(), "different label"), kMost));
  names_.assign(different.begin(), different.end());
}

std::optional<std::int64_t> LabelSet::find(std::string_view label) const {
  const auto place = std::lower_bound(names_.begin(), names_.end(), label);
  if (place == names_.end() || *place != label) return std::nullopt;
  return place - names_.begin();
}

std::string LabelSet::unknown(std::string_view label) const {
  return fmt::format("column {}: {}", io::printable(column_), missing_name("label", label, names_));
}

}  // namespace attend::data
