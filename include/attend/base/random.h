#pragma once

#include <array>
#include <cstdint>

namespace attend {

/// Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011): four random 32-bit
/// words that depend on a 128-bit counter and a 64-bit key and on nothing else. Seven rounds are the fewest
/// that pass all tests of the paper; ten leave a margin.
template <int Rounds = 10>
constexpr std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::uint64_t key) {
  std::uint32_t k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < Rounds; ++round) {
    const std::uint64_t p0 = 0xD2511F53ull * counter[0], p1 = 0xCD9E8D57ull * counter[2];
    counter = {static_cast<std::uint32_t>(p1 >> 32) ^ counter[1] ^ k0, static_cast<std::uint32_t>(p1),
               static_cast<std::uint32_t>(p0 >> 32) ^ counter[3] ^ k1, static_cast<std::uint32_t>(p0)};
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return counter;
}

/// The identity of one stream of random numbers: element i of a stream is a function of (seed, stream, i)
/// alone, so any thread can compute any element and the backward pass can recompute what the forward pass
/// drew.
struct RandomStream {
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;

  /// Four words: number 4 i to 4 i + 3 of the stream.
  constexpr std::array<std::uint32_t, 4> words(std::uint64_t i) const {
    return philox({static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(i >> 32),
                   static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)},
                  seed);
  }
};

/// Hands out streams in order. Copying a generator copies its place; two equal generators give equal streams.
class Generator {
 public:
  explicit Generator(std::uint64_t seed = 0, std::uint64_t next_stream = 0)
      : seed_(seed), next_(next_stream) {}

  /// A stream that no earlier call of this generator has given.
  RandomStream next() { return {seed_, next_++}; }

  /// A uniform number in [0, 1) with 53 random bits; uses up one stream.
  double uniform();

  /// A uniform integer in [0, bound), bound > 0; uses up one stream.
  std::uint64_t below(std::uint64_t bound);

  std::uint64_t seed() const { return seed_; }
  std::uint64_t position() const { return next_; }
  void set_position(std::uint64_t next_stream) { next_ = next_stream; }

 private:
  std::uint64_t seed_, next_;
};

}  // namespace attend
