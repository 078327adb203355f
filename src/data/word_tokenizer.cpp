#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "attend/base/error.h"
#include "data/tokenizer_kinds.h"
#include "data/utf8.h"

namespace attend::data {
namespace {

constexpr std::int32_t kUnknown = 0;
constexpr std::string_view kUnknownPiece = " [UNK]";

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/// ASCII punctuation, but not control characters.
bool is_punctuation(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte < 0x7f && !(byte >= '0' && byte <= '9') && !(byte >= 'A' && byte <= 'Z') &&
         !(byte >= 'a' && byte <= 'z');
}

/// "'s", "'ll": words of their own in the Penn Treebank, and in texts split as it is.
bool is_clitic(std::string_view word) {
  return word.size() <= 3 && word.size() >= 2 && word[0] == '\'' && !is_punctuation(word[1]);
}

/// Calls `use` for each word: what stands between white space, without the punctuation around it, of which
/// each character is a word of its own.
template <class Use>
void for_each_word(std::string_view text, Use use) {
  std::size_t i = 0;
  while (i < text.size()) {
    while (i < text.size() && is_space(text[i])) ++i;
    std::size_t end = i;
    while (end < text.size() && !is_space(text[end])) ++end;
    std::size_t last = end;
    while (last > i && is_punctuation(text[last - 1])) --last;
    while (i < last && is_punctuation(text[i]) && !is_clitic(text.substr(i, last - i)))
      use(text.substr(i++, 1));
    if (last > i) use(text.substr(i, last - i));
    for (i = std::max(i, last); i < end; ++i) use(text.substr(i, 1));
  }
}

class WordTokenizer : public Tokenizer {
 public:
  /// The words are different and none is empty or has white space in it.
  explicit WordTokenizer(const std::vector<std::string>& words) : Tokenizer(pieces_of(words)) {
    for (const std::string& word : words) ids_.emplace(word, static_cast<std::int32_t>(ids_.size()) + 1);
  }

  std::string_view kind() const override { return "word"; }

  std::vector<std::int32_t> encode(std::string_view text) const override {
    require_utf8(text, "the text");
    std::vector<std::int32_t> ids;
    for_each_word(text, [&](std::string_view word) {
      const auto found = ids_.find(std::string(word));
      ids.push_back(found == ids_.end() ? kUnknown : found->second);
    });
    return ids;
  }

  void save(const std::filesystem::path& folder) const override {
    std::string words;
    for (std::int32_t id = 1; id < size(); ++id) {
      if (id > 1) words += ' ';
      words += piece(id).substr(1);
    }
    const nlohmann::ordered_json json = {
        {"format", kTokenizerFormat}, {"version", kTokenizerVersion}, {"kind", "word"}, {"words", words}};
    save_tokenizer_file(folder, kJsonName, json.dump(2) + "\n");
  }

 private:
  static std::vector<std::string> pieces_of(const std::vector<std::string>& words) {
    std::vector<std::string> pieces = {std::string(kUnknownPiece)};
    for (const std::string& word : words) pieces.push_back(" " + word);
    return pieces;
  }

  std::unordered_map<std::string, std::int32_t> ids_;
};

}  // namespace

std::unique_ptr<Tokenizer> train_word_tokenizer(const TokenizerOptions& options, std::string_view text) {
  std::unordered_map<std::string, std::int64_t> counts;
  for_each_word(text, [&](std::string_view word) { ++counts[std::string(word)]; });
  // What stands in the text once becomes [UNK], which is learnt from it.
  std::vector<std::pair<std::int64_t, std::string>> words;
  for (const auto& [word, count] : counts)
    if (count > 1) words.emplace_back(-count, word);
  std::ranges::sort(words);
  const auto most = static_cast<std::size_t>(std::max<std::int64_t>(options.vocabulary, 1));
  if (words.size() + 1 > most) words.resize(most - 1);
  if (words.empty()) throw Error("a word tokenizer cannot learn from a text in which no word stands twice");
  std::vector<std::string> sorted;
  for (auto& [count, word] : words) sorted.push_back(std::move(word));
  return std::make_unique<WordTokenizer>(sorted);
}

std::unique_ptr<Tokenizer> parse_word_tokenizer(std::string_view words, std::string_view file) {
  const auto fail = [&](std::string_view what) -> void {
    throw Error(fmt::format("{} is not a valid tokenizer: {}", file, what));
  };
  if (words.empty()) fail("\"words\" is empty");
  if (find_invalid_utf8(words) != std::string_view::npos) fail("\"words\" is not UTF-8");
  std::vector<std::string> list;
  for (;;) {
    const std::size_t end = words.find(' ');
    const std::string_view word = words.substr(0, end);
    if (word.empty() || std::ranges::any_of(word, is_space))
      fail("\"words\" are not separated by one space each");
    list.emplace_back(word);
    if (end == std::string_view::npos) break;
    words.remove_prefix(end + 1);
  }
  std::vector<std::string> sorted = list;
  std::ranges::sort(sorted);
  if (std::ranges::adjacent_find(sorted) != sorted.end()) fail("\"words\" names a word twice");
  return std::make_unique<WordTokenizer>(list);
}

}  // namespace attend::data
