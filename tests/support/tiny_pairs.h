#pragma once

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace attend::test {

/// Pairs "query TAB text", the same on every machine: who asks names two things by words that the text never
/// uses, and says other things around them. No two pairs tell of the same things, so that only what the words
/// mean leads from one to the other, and a held-out pair is found by words that were learnt apart.
inline std::vector<std::pair<std::string, std::string>> tiny_pairs(unsigned seed = 7) {
  constexpr unsigned kThings = 16;
  static const std::vector<std::string> filler = {"the", "old", "man", "said", "that", "day", "was", "so"};
  std::mt19937 random(seed);
  std::vector<std::pair<unsigned, unsigned>> things;
  for (unsigned a = 0; a < kThings; ++a)
    for (unsigned b = 0; b < kThings; ++b) things.emplace_back(a, b);
  // std::shuffle differs between libraries.
  for (std::size_t i = things.size(); i > 1; --i) std::swap(things[i - 1], things[random() % i]);
  const auto word = [](unsigned thing, const char* end) {
    return std::string(1, "bcdfghjklmnpqrst"[thing]) + end;
  };
  const auto said = [&] { return filler[random() % filler.size()]; };
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& [a, b] : things) {
    const std::string query = said() + " " + word(a, "qu") + " " + said() + " " + word(b, "re");
    pairs.emplace_back(query, word(b, "ob") + " " + said() + " " + word(a, "an") + " " + said());
  }
  return pairs;
}

/// The first `count` of them as a table.
inline std::string tiny_pair_table(unsigned seed = 7, std::size_t count = 256) {
  std::string table;
  const auto pairs = tiny_pairs(seed);
  for (std::size_t i = 0; i < count; ++i) table += pairs[i].first + "\t" + pairs[i].second + "\n";
  return table;
}

}  // namespace attend::test
