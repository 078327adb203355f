#pragma once

#include <stdexcept>
#include <string>

namespace attend {

/// The only exception type the library throws on purpose. `what()` is one line that a user can act on: it
/// names the option, file or argument, what was found, and what is accepted.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(message) {}
};

}  // namespace attend
