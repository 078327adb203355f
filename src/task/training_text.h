#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "attend/data/language_model.h"
#include "attend/data/tokenizer.h"
#include "attend/task/text_facts.h"
#include "attend/task/training.h"

namespace attend::task {

/// Where a text comes from, and how it becomes tokens.
struct TextSource {
  std::filesystem::path data = {};  ///< may be empty when a training is resumed
  data::TokenizerOptions tokenizer = {};
  /// Instead of one that is learnt from the text.
  std::unique_ptr<data::Tokenizer> given_tokenizer = nullptr;
};

/// A text, made ready to learn from. Not moved or copied: the splits refer to the tokens.
class TrainingText {
 public:
  /// Reads the text and learns a tokenizer from it, or takes the one in the folder when `begun` (what the
  /// training that is resumed tells of its text) is given; the text must then be the one that it began with.
  /// With no path at all, the tokens kept in the folder are used.
  TrainingText(const TrainingPlace& place, TextSource source, const std::optional<TextFacts>* begun);
  TrainingText(const TrainingText&) = delete;
  TrainingText& operator=(const TrainingText&) = delete;

  /// Writes tokenizer and tokens into the model folder.
  void save(const std::filesystem::path& folder) const;

  const data::Tokenizer& tokenizer() const { return *tokenizer_; }
  const TextFacts& facts() const { return facts_; }
  const data::TokenSplit& split() const { return split_; }

 private:
  void read(const std::filesystem::path& path, const TrainingPlace& place, const TextSource& source,
            bool begun);
  bool read_kept(const TrainingPlace& place);

  TextFacts facts_;
  std::unique_ptr<data::Tokenizer> tokenizer_;
  std::vector<std::int32_t> ids_;
  std::optional<data::TokenFile> kept_;
  data::TokenSplit split_;
};

/// One line about a text for who waits for the training.
std::string describe(const TextFacts& facts, const data::Tokenizer& tokenizer);

/// For each token, the number of Unicode code points that begin in it: bytes that do not continue one.
std::vector<std::int64_t> characters_of_tokens(const data::Tokenizer& tokenizer);

/// The sum of these over tokens from `first` on.
std::int64_t count_characters(const data::TokenView& tokens, const std::vector<std::int64_t>& of_token,
                              std::int64_t first);

}  // namespace attend::task
