#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attend/data/embedding_index.h"
#include "attend/data/records.h"
#include "attend/data/tokenizer.h"
#include "attend/explain/word_scores.h"
#include "attend/task/search.h"

namespace attend::task {

/// A text that was found.
struct Found {
  std::int64_t text = 0;  ///< its number in the index, from 0
  double score = 0;       ///< the cosine between query and text
};

struct SearchEvaluation {
  SearchScores scores;
  std::int64_t cut = 0;      ///< texts of both sides that are longer than the context
  std::int64_t skipped = 0;  ///< bad records
};

/// A trained model of the task "search", to be used.
class TextSearch {
 public:
  /// Reads a model folder. `precision` is f32, bf16 (weights and computation), or auto: bf16 where the
  /// processor has it. Throws Error naming the file for a folder that is no model of this task, damaged or
  /// misfit weights (NaN included), and a missing or damaged tokenizer.
  explicit TextSearch(const std::filesystem::path& folder, std::string_view precision = "f32");
  ~TextSearch();
  TextSearch(TextSearch&&) noexcept;
  TextSearch& operator=(TextSearch&&) noexcept;

  const SearchConfig& config() const;
  const model::SentenceEncoder& model() const;
  const data::Tokenizer& tokenizer() const;
  /// Of model.safetensors: tells whether an index was made by this model.
  std::uint64_t checksum() const;

  /// The vectors of texts, f32 [texts, dim], rows of length 1. Texts beyond the context are cut. Throws Error
  /// without texts, and for a text that the tokenizer does not take.
  Tensor embed(std::span<const std::string> texts) const;

  /// An empty index of this model.
  data::EmbeddingIndex new_index() const;
  /// Adds texts. `shown`, as many, are stored in their place; empty: the texts themselves.
  void add(data::EmbeddingIndex& index, std::span<const std::string> texts,
           std::span<const std::string> shown = {}) const;
  /// The lines of a file; empty lines are bad records. Throws Error when there is no line.
  data::EmbeddingIndex index_lines(const std::filesystem::path& file, const data::ReadOptions& read = {},
                                   data::SkippedRecords* skipped = nullptr) const;
  /// Throws Error, beginning with `name`, unless this model made the index.
  void check_index(const data::EmbeddingIndex& index, std::string_view name) const;

  /// For each query the `count` texts (all, if there are fewer) with the largest scores, the best first,
  /// equal ones in order of their numbers. Every text is looked at. Throws Error for an index of another
  /// model or a count below 1.
  std::vector<std::vector<Found>> search(const data::EmbeddingIndex& index,
                                         std::span<const std::string> queries, std::int64_t count) const;

  /// Searches the target of each pair by its source, among the targets of `candidates` pairs: blocks of
  /// neighbours, the last one filled up by those before it; all, when there are fewer. Equal targets are
  /// equally right. Throws Error for bad records, and below 2 candidates.
  SearchEvaluation evaluate(const PairFiles& pairs, std::int64_t candidates = 1000) const;

  /// Which words of query and text made them alike: the text of the result is both, on two lines. Throws
  /// Error for a text without a word.
  explain::WordScores see(std::string_view query, std::string_view text) const;

 private:
  struct Content;
  std::unique_ptr<Content> content_;
};

}  // namespace attend::task
