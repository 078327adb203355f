#pragma once

#include <random>
#include <string>
#include <vector>

namespace attend::test {

/// Sentences in the columns of CoNLL 2003, word and tag, the same on every machine. Names of one or two words
/// are spans; what a first name is followed by belongs to it, so that tags depend on their neighbours.
inline std::string tiny_tags(int sentences, unsigned seed = 7) {
  static const std::vector<std::string> filler = {"the", "old", "man", "said", "that", "day", "was", "so"};
  static const std::vector<std::string> first = {"Anna", "Ben", "Clara"}, places = {"Paris", "Rome"};
  std::mt19937 random(seed);
  std::string text;
  const auto add = [&](const std::string& word, const std::string& tag) { text += word + " " + tag + "\n"; };
  for (int i = 0; i < sentences; ++i) {
    for (unsigned n = 3 + random() % 5; n > 0; --n) {
      const unsigned kind = random() % 6;
      if (kind == 0) {
        add(first[random() % first.size()], "B-PER");
        add(filler[random() % filler.size()], "I-PER");
      } else if (kind == 1) {
        add(places[random() % places.size()], "B-LOC");
      } else {
        add(filler[random() % filler.size()], "O");
      }
    }
    text += "\n";
  }
  return text;
}

}  // namespace attend::test
