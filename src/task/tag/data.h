#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "attend/data/sequences.h"
#include "attend/data/tagged.h"
#include "attend/data/tokenizer.h"
#include "attend/model/sequence_tagger.h"
#include "task/tag/characters.h"

namespace attend::task {

/// The sentences of a file.
struct RawSentences {
  std::vector<data::TaggedSentence> sentences;
  data::SkippedRecords skipped;
};

/// Reads a file. With `known` tags (sorted), any other is a bad record. Throws Error as the reader does, and
/// when there is no sentence.
RawSentences read_sentences(const std::filesystem::path& path, const data::TaggedOptions& options,
                            const std::vector<std::string>* known = nullptr);

std::uint64_t checksum_of(std::span<const data::TaggedSentence> sentences);

/// The different tags, sorted.
std::vector<std::string> tags_of(std::span<const data::TaggedSentence> sentences);

/// The words of sentences as text, a sentence a line, to learn a tokenizer from.
std::string joined_words(std::span<const data::TaggedSentence> sentences);

/// Sentences as a tagger reads them; long ones in parts.
struct TaggedParts {
  data::TokenSequences tokens;
  std::vector<std::vector<std::int64_t>> words;      ///< [part][word]: the place of its first token
  std::vector<std::vector<std::int64_t>> tags;       ///< [part][word]: its class; empty where there is none
  std::vector<std::int64_t> sentence;                ///< [part]: the sentence it is of, in ascending order
  std::vector<std::vector<std::int64_t>> spellings;  ///< [part][word]: its place in `spelt`, if known
  std::vector<std::vector<std::int32_t>> spelt;      ///< the characters of each different word
  std::int64_t sentences = 0, word_count = 0;
};

/// What turns sentences into what a tagger reads.
struct TagReader {
  const std::vector<std::string>& tags;  ///< sorted: these are the classes
  const data::Tokenizer& tokenizer;
  std::int64_t context;
  CharacterSet characters;  ///< empty: words are not spelt
};

/// Throws Error for a tag that is not among those of the reader.
TaggedParts encoded(std::span<const data::TaggedSentence> sentences, const TagReader& reader);

/// Some parts as a batch.
struct TaggedBatch {
  data::PaddedBatch tokens;
  std::vector<std::int64_t> words, tags, word_lengths;
  std::int64_t most_words = 0;
  /// Of words that are spelt: the place of each word's characters in `characters` [spelt, longest].
  std::vector<std::int64_t> spellings, character_lengths;
  std::vector<std::int32_t> characters;
  std::int64_t longest = 0;

  model::TaggerInput input() const;
  Tensor tag_tensor() const;
};
TaggedBatch batch_of(const TaggedParts& parts, std::span<const std::int64_t> rows, std::int32_t padding);

/// What a model says of parts.
struct TagPredictions {
  std::vector<std::vector<std::int64_t>> tags;     ///< [part][word]
  std::vector<std::vector<double>> probabilities;  ///< [part][word]: of these tags
  double loss = 0;                                 ///< -log p of the parts' own tags, all together
};
TagPredictions predict(const model::SequenceTagger& model, const TaggedParts& parts, DType compute);

/// Whether tags mark spans, "B-PER" and "O".
bool mark_spans(const std::vector<std::string>& tags);

}  // namespace attend::task
