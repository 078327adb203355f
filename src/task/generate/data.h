#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "attend/data/language_model.h"
#include "attend/data/tokenizer.h"
#include "attend/task/generate.h"

namespace attend::task {

/// A text, made ready to learn from. Not moved or copied: the splits refer to the tokens.
class TrainingText {
 public:
  /// Reads the text of a job and learns a tokenizer from it, or takes the one in the folder when `begun` (the
  /// training that is resumed) is given; the text must then be the one that it began with. With no path at
  /// all, the tokens kept in the folder are used.
  TrainingText(const GenerateJob& job, const GenerateConfig* begun);
  TrainingText(const TrainingText&) = delete;
  TrainingText& operator=(const TrainingText&) = delete;

  /// Writes tokenizer and tokens into the model folder.
  void save(const std::filesystem::path& folder) const;

  const data::Tokenizer& tokenizer() const { return *tokenizer_; }
  const TextFacts& facts() const { return facts_; }
  const data::TokenSplit& split() const { return split_; }

 private:
  void read(const std::filesystem::path& path, const GenerateJob& job, const GenerateConfig* begun);
  bool read_kept(const GenerateJob& job, const GenerateConfig& begun);

  TextFacts facts_;
  std::unique_ptr<data::Tokenizer> tokenizer_;
  std::vector<std::int32_t> ids_;
  std::optional<data::TokenFile> kept_;
  data::TokenSplit split_;
};

/// For each token, the number of Unicode code points that begin in it: bytes that do not continue one.
std::vector<std::int64_t> characters_of_tokens(const data::Tokenizer& tokenizer);

/// The sum of these over tokens from `first` on.
std::int64_t count_characters(const data::TokenView& tokens, const std::vector<std::int64_t>& of_token,
                              std::int64_t first);

}  // namespace attend::task
