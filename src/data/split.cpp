#include "attend/data/split.h"

#include <cmath>

namespace attend::data {

std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  // The high bits of FNV-1a hardly depend on the last characters.
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9u;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebu;
  return hash ^ (hash >> 31);
}

Split split_of(std::string_view group, const SplitShares& shares) {
  constexpr double kScale = 1.0 / 9007199254740992.0;  // 2^-53
  const double moved = static_cast<double>(hash_of(group) >> 11) * kScale - shares.fold * shares.test,
               place = moved - std::floor(moved);
  if (place < shares.test) return Split::test;
  return place >= 1 - shares.valid ? Split::valid : Split::train;
}

}  // namespace attend::data
