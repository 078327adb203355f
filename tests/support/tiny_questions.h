#pragma once

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

namespace attend::test {

/// A table "question TAB text TAB answer TAB start", the same on every machine. A text names a person, a
/// place and a thing among other words; two questions ask "who", "where" or "what". The kind that every
/// `every`-th question asks for, if that is not 0, is missing in its text, which then is one of its own.
inline std::string tiny_questions(int texts, unsigned every = 0, unsigned seed = 7) {
  static const std::array<std::vector<std::string>, 3> words = {{{"anna", "ben", "clara", "dora"},
                                                                 {"paris", "rome", "berlin", "oslo"},
                                                                 {"book", "ball", "lamp", "coat"}}};
  static const std::vector<std::string> filler = {"the", "old", "so", "that", "day", "was"};
  static const std::array<std::string, 3> questions = {"who", "where", "what"};
  std::mt19937 random(seed);
  std::string table;
  unsigned asked = 0;
  for (int i = 0; i < texts; ++i) {
    const auto first = static_cast<unsigned>(random() % 3);
    const std::array<unsigned, 2> kinds = {first, (first + 1 + static_cast<unsigned>(random() % 2)) % 3};
    const bool absent = every != 0 && (asked + 2) % every < 2;
    const unsigned missing = absent ? kinds[(asked + 2) % every == 0 ? 1 : 0] : 3;
    std::array<std::string, 3> answers;
    std::vector<std::string> text;
    for (unsigned kind = 0; kind < 3; ++kind) {
      text.push_back(filler[random() % filler.size()]);
      answers[kind] = words[kind][random() % words[kind].size()];
      if (kind != missing) text.push_back(answers[kind]);
    }
    // std::shuffle differs between libraries.
    for (std::size_t n = text.size(); n > 1; --n) std::swap(text[n - 1], text[random() % n]);
    std::string line;
    for (const std::string& word : text) line += (line.empty() ? "" : " ") + word;
    for (const unsigned kind : kinds) {
      ++asked;
      const bool none = kind == missing;
      table += questions[kind] + "\t" + line + "\t" + (none ? "" : answers[kind]) + "\t" +
               (none ? "" : std::to_string(line.find(answers[kind]))) + "\n";
    }
  }
  return table;
}

}  // namespace attend::test
