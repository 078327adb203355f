#pragma once

#include <random>
#include <string>
#include <vector>

namespace attend::test {

/// A table "id,text,mood,topic" of short texts, the same on every machine: one word of each tells the mood,
/// another the topic, whatever stands around them.
inline std::string tiny_reviews(int rows, unsigned seed = 7) {
  static const std::vector<std::string> filler = {"the", "old", "man", "said", "that", "day", "was", "so"};
  static const std::vector<std::pair<std::string, std::string>> moods = {
      {"lovely", "good"}, {"fine", "good"}, {"awful", "bad"}, {"poor", "bad"}};
  static const std::vector<std::pair<std::string, std::string>> topics = {
      {"ball", "sport"}, {"paint", "art"}, {"vote", "politics"}};
  std::mt19937 random(seed);
  std::string table = "id,text,mood,topic\n";
  for (int i = 0; i < rows; ++i) {
    const auto& mood = moods[random() % moods.size()];
    const auto& topic = topics[random() % topics.size()];
    std::vector<std::string> words;
    for (unsigned n = 2 + random() % 5; n > 0; --n) words.push_back(filler[random() % filler.size()]);
    words.insert(words.begin() + random() % words.size(), mood.first);
    words.insert(words.begin() + random() % words.size(), topic.first);
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
    table += std::to_string(i) + ",\"" + text + "\"," + mood.second + "," + topic.second + "\n";
  }
  return table;
}

}  // namespace attend::test
