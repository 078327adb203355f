#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "attend/base/error.h"
#include "io/printable.h"

namespace attend::task {

/// Accepted values of an option, and whether a resumed training may change it.
template <class T>
struct Range {
  T least, most;
  bool may_change = false;

  void check(std::string_view name, T value) const {
    if (value >= least && value <= most) return;
    throw Error(fmt::format("{} {}: a value from {} to {} is accepted", name, value, least, most));
  }
};

struct Words {
  std::vector<std::string> accepted;
  bool may_change = false;

  void check(std::string_view name, const std::string& value) const {
    for (const std::string& word : accepted) {
      if (word == value) return;
    }
    throw Error(fmt::format("{} {}: {} are accepted", name, io::printable(value), fmt::join(accepted, ", ")));
  }
};

struct Anything {
  bool may_change = false;
  template <class T>
  void check(std::string_view, const T&) const {}
};

}  // namespace attend::task
