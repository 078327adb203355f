#pragma once

#include <cstdint>
#include <string>

namespace attend::task {

/// The text that a model was trained on.
struct TextFacts {
  std::string path;
  std::uint64_t checksum = 0;
  std::int64_t bytes = 0, characters = 0, tokens = 0;
  std::int64_t validation_tokens = 0, validation_characters = 0;  ///< of the last 10 %
};

}  // namespace attend::task
