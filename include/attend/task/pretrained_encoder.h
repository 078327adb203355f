#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attend/data/token_file.h"
#include "attend/data/tokenizer.h"
#include "attend/explain/attention_maps.h"
#include "attend/model/masked_language_model.h"
#include "attend/task/pretrain.h"

namespace attend::task {

/// How hidden words are written in texts.
inline constexpr std::string_view kMaskText = "[MASK]";

/// A text whose hidden tokens were told.
struct FilledText {
  std::string text;  ///< with the likeliest tokens put in
  /// For each hidden token, the likeliest ones with their probabilities, likeliest first.
  std::vector<std::vector<std::pair<std::string, double>>> candidates;
};

/// Where a model looked while it read a text, and what it expects at the hidden tokens.
struct MaskedSight {
  explain::AttentionMaps maps;  ///< of tokens, the mark "[start]" before the first
  FilledText filled;
};

struct MaskedEvaluation {
  double loss = 0;           ///< mean cross entropy of the hidden tokens, in nats
  double perplexity = 0;     ///< exp(loss)
  std::int64_t tokens = 0;   ///< of the text that was read
  std::int64_t targets = 0;  ///< of them, that were to be told
};

/// A trained model of the task "pretrain", to be used.
class PretrainedEncoder {
 public:
  /// Reads a model folder. `precision` is f32, bf16 (weights and computation), or auto: bf16 where the
  /// processor has it. Throws Error naming the file for a folder that is no model of this task, damaged or
  /// misfit weights (NaN included), and a missing or damaged tokenizer.
  explicit PretrainedEncoder(const std::filesystem::path& folder, std::string_view precision = "f32");
  ~PretrainedEncoder();
  PretrainedEncoder(PretrainedEncoder&&) noexcept;
  PretrainedEncoder& operator=(PretrainedEncoder&&) noexcept;

  const PretrainConfig& config() const;
  const model::MaskedLanguageModel& model() const;
  const data::Tokenizer& tokenizer() const;

  /// Tells the tokens that stand as "[MASK]" in a text, one token for each; a space before the mark is a part
  /// of the token. Throws Error for a text without a mark, one that is longer than the context, and one that
  /// the tokenizer does not take.
  FilledText fill(std::string_view text, std::int64_t candidates = 5) const;

  /// Hides tokens of a text as in training and tells them; equal arguments hide the same. Throws Error when
  /// there is no token to be told.
  MaskedEvaluation evaluate(const data::TokenView& tokens, std::uint64_t seed = 1) const;

  /// The attention weights of every layer and head for a text, which may have marks. Throws Error for an
  /// empty text or one longer than the context.
  MaskedSight see(std::string_view text, std::int64_t candidates = 5) const;

 private:
  struct Content;
  std::unique_ptr<Content> content_;
};

}  // namespace attend::task
