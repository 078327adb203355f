#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attend/data/records.h"
#include "attend/data/tokenizer.h"
#include "attend/explain/attention_maps.h"
#include "attend/metric/spans.h"
#include "attend/task/tag.h"

namespace attend::task {

/// The tags of a sentence.
struct SentenceTags {
  std::vector<std::string> tags;      ///< of each word
  std::vector<double> probabilities;  ///< of each of these tags
};

/// Where a tagger looks, and what it answers.
struct TagSight {
  explain::AttentionMaps maps;  ///< of words, the mark "[start]" before the first
  SentenceTags tags;
};

struct TagEvaluation {
  std::int64_t sentences = 0, words = 0;
  double loss = 0;      ///< -log p(tags) by the word, in nats
  double accuracy = 0;  ///< the share of words with the right tag
  /// When the tags mark spans ("B-PER", "I-PER", "O"): as conlleval counts them.
  std::optional<metric::SpanScore> spans = {};
  data::SkippedRecords skipped = {};
};

/// A trained model of the task "tag", to be used.
class Tagger {
 public:
  /// Reads a model folder. `precision` is f32, bf16 (weights and computation), or auto: bf16 where the
  /// processor has it. Throws Error naming the file for a folder that is no model of this task, damaged or
  /// misfit weights (NaN included), and a missing or damaged tokenizer.
  explicit Tagger(const std::filesystem::path& folder, std::string_view precision = "f32");
  ~Tagger();
  Tagger(Tagger&&) noexcept;
  Tagger& operator=(Tagger&&) noexcept;

  const TagConfig& config() const;
  const model::SequenceTagger& model() const;
  const data::Tokenizer& tokenizer() const;

  /// The tags of each sentence's words. Sentences longer than the context are read in parts. Throws Error for
  /// a word that the tokenizer does not take.
  std::vector<SentenceTags> tag(std::span<const std::vector<std::string>> sentences) const;

  /// Tags the sentences of a file that is written as those it was trained on. A tag that it does not know is
  /// a bad record.
  TagEvaluation evaluate(const std::filesystem::path& data, const data::ReadOptions& read = {}) const;

  /// Reads a sentence and keeps the attention weights, word by word: what a word of several tokens looks at
  /// is the mean of what they look at (explain::merge_words). Throws Error for no words, and for more than
  /// the context holds.
  TagSight see(const std::vector<std::string>& sentence) const;

 private:
  struct Content;
  std::unique_ptr<Content> content_;
};

}  // namespace attend::task
