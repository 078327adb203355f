#pragma once

#include <random>
#include <string>
#include <vector>

namespace attend::test {

/// Lines that say one word thirty times, the same on every machine: a word is known from any other.
inline std::string tiny_echoes(int lines, unsigned seed = 7) {
  static const std::vector<std::string> words = {"red",  "green", "blue", "north",
                                                 "east", "south", "west", "spring"};
  std::mt19937 random(seed);
  std::string text;
  for (int i = 0; i < lines; ++i) {
    const std::string& word = words[random() % words.size()];
    for (int n = 0; n < 30; ++n) text += (n == 0 ? "" : " ") + word;
    text += "\n";
  }
  return text;
}

}  // namespace attend::test
