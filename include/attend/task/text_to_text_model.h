#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attend/explain/attention_maps.h"
#include "attend/model/encoder_decoder.h"
#include "attend/task/text_to_text.h"

namespace attend::task {

struct WriteOptions {
  std::int64_t beam = 4;        ///< hypotheses that are followed at once; 1: always the likeliest token
  std::int64_t n_best = 1;      ///< hypotheses that are given, at most `beam`
  double length_penalty = 0.6;  ///< of Wu et al., "Google's Neural Machine Translation System", 2016
  double coverage_penalty = 0;  ///< the same
  std::int64_t no_repeat = 0;   ///< no n tokens in a row come twice; 0: they may
  double longest = 2;           ///< most tokens written for each token read, with 20 more
  std::int64_t batch = 32;      ///< texts at once
  bool alignment = false;       ///< tell what each word was made of
};

/// Throws Error naming the option that is out of its range.
void validate(const WriteOptions& options);

/// What was written for a text.
struct Hypothesis {
  std::string text;
  double score = 0;            ///< log-probability, the penalties included
  double log_probability = 0;  ///< the sum over all tokens and the end
  std::int64_t tokens = 0;     ///< the end included
  /// (word of the source, word of `text`), both counted from 0, in order of the second: the source word that
  /// each word looked at most. Words are parted by white space.
  std::vector<std::pair<std::int64_t, std::int64_t>> alignment = {};
};

/// A trained model of the tasks "translate" and "summarize", to be used.
class TextToText {
 public:
  /// Reads a model folder; as LanguageModel does.
  explicit TextToText(const std::filesystem::path& folder, std::string_view precision = "f32");
  ~TextToText();
  TextToText(TextToText&&) noexcept;
  TextToText& operator=(TextToText&&) noexcept;

  const TextToTextConfig& config() const;
  const model::EncoderDecoder& model() const;

  /// For each text its hypotheses, the best first. Texts of about the same length are worked on together;
  /// what is written for one does not depend on the others but for rounding. Texts beyond the context are
  /// cut. An empty text gives an empty hypothesis.
  std::vector<std::vector<Hypothesis>> write(std::span<const std::string> texts,
                                             const WriteOptions& options = {}) const;

  /// The head whose alignments write() tells. Throws Error when training ended before it was found.
  AlignmentHead alignment_head() const;

  /// Mean cross entropy of the targets, nats a token, ends included.
  double loss(std::span<const std::string> sources, std::span<const std::string> targets) const;

  /// Where each layer and head of the decoder looked in `source` while it wrote `target`, by words. Throws
  /// Error for an empty text or one beyond the context.
  explain::AttentionMaps see(std::string_view source, std::string_view target) const;

 private:
  struct Content;
  std::unique_ptr<Content> content_;
};

/// The first sentence of a text, up to ". ", "! " or "? " or a line break: the baseline of summaries.
std::string lead_of(std::string_view text);

}  // namespace attend::task
