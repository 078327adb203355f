#pragma once

#include <random>
#include <string>
#include <vector>

namespace attend::test {

/// A text of simple sentences, with line breaks and letters of two bytes, the same on every machine.
inline std::string tiny_text(int sentences = 120) {
  static const std::vector<std::string> who = {"the cat", "a dog", "der Bär", "my friend", "the old man"};
  static const std::vector<std::string> does = {"sees", "finds", "hört", "follows"};
  static const std::vector<std::string> what = {"the moon", "a red ball", "the river", "nothing"};
  std::mt19937 random(7);
  std::string text;
  const auto pick = [&](const std::vector<std::string>& words) { return words[random() % words.size()]; };
  for (int i = 0; i < sentences; ++i)
    text += pick(who) + " " + pick(does) + " " + pick(what) + (i % 3 == 2 ? ".\n" : ". ");
  return text;
}

}  // namespace attend::test
