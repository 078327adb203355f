#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cli/child.h"

namespace attend::test {

/// Expects that the program ends with code 2 and says why in one line, with `part` in it.
inline void expect_refused(const std::vector<std::string>& words, const std::string& part,
                           const std::string& input = {}) {
  const Ended ended = attend(words, {.input = input});
  EXPECT_EQ(ended.code, 2) << ended.out;
  EXPECT_EQ(std::ranges::count(ended.err, '\n'), 1) << ended.err;
  EXPECT_NE(ended.err.find(part), std::string::npos) << ended.err;
}

}  // namespace attend::test
