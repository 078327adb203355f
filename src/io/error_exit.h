#pragma once

#include <setjmp.h>

#include <array>
#include <string_view>

namespace attend::io {

/// The way out of a C library whose error handler must not return, and that C++ must not throw through: back
/// to returns_normally().
class ErrorExit {
 public:
  /// Called by the library's error handler.
  [[noreturn]] void leave(std::string_view message) {
    length_ = message.copy(message_.data(), message_.size());
    longjmp(place_, 1);
  }

  /// What the error handler said.
  std::string_view message() const { return {message_.data(), length_}; }

  /// Whether `body` came to its end. A longjmp skips destructors, so nothing that `body` or the library's
  /// callbacks make may have one; what they fill is made before.
  template <class Body>
  bool returns_normally(const Body& body) {
    if (setjmp(place_) != 0) return false;
    body();
    return true;
  }

 private:
  jmp_buf place_ = {};
  std::array<char, 200> message_ = {};
  std::size_t length_ = 0;
};

}  // namespace attend::io
