#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace attend::data {

/// A sample of bounded size, taken evenly from lines that stream by: every k-th of them, where k doubles
/// whenever the sample has grown too large. What tokenizers learn from.
class TextSample {
 public:
  /// The sample is between half of `bytes` and `bytes` long when more than that has passed.
  explicit TextSample(std::size_t bytes = 10'000'000) : most_(bytes) {}

  void add(std::string_view line);

  /// The lines of the sample in order, each with a line break at its end.
  std::string text() const;

 private:
  std::size_t most_, size_ = 0, passed_ = 0, stride_ = 1;
  std::vector<std::string> lines_;
};

}  // namespace attend::data
