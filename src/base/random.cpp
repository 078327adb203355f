#include "attend/base/random.h"

namespace attend {

namespace {
std::uint64_t word64(const RandomStream& stream) {
  const auto words = stream.words(0);
  return (static_cast<std::uint64_t>(words[1]) << 32) | words[0];
}
}  // namespace

double Generator::uniform() {
  return static_cast<double>(word64(next()) >> 11) * 0x1p-53;
}

std::uint64_t Generator::below(std::uint64_t bound) {
  // Multiply-shift: the bias is below bound / 2^64, far under what any sample could show.
  return static_cast<std::uint64_t>((static_cast<unsigned __int128>(word64(next())) * bound) >> 64);
}

}  // namespace attend
