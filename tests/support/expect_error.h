#pragma once

#include <gtest/gtest.h>

#include <string>

#include "attend/base/error.h"

namespace attend::test {

/// The message of the attend::Error that `action` throws, which must be one non-empty line; a test failure
/// and "" when it throws nothing or something else.
template <class Action>
std::string error_of(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_FALSE(message.empty());
    for (unsigned char c : message)
      EXPECT_TRUE(c >= 0x20 && c != 0x7f) << "control character in: " << message;
    return message;
  } catch (const std::exception& error) {
    ADD_FAILURE() << "not an attend::Error: " << error.what();
    return "";
  }
  ADD_FAILURE() << "no error thrown";
  return "";
}

}  // namespace attend::test

/// `action` throws an attend::Error of one line that contains `part`.
#define EXPECT_ERROR(action, part)                                          \
  do {                                                                      \
    const std::string message_ = ::attend::test::error_of([&] { action; }); \
    EXPECT_NE(message_.find((part)), std::string::npos)                     \
        << "message: " << message_ << "\nexpected part: " << (part);        \
  } while (0)
