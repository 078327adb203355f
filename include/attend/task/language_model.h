#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attend/data/token_file.h"
#include "attend/data/tokenizer.h"
#include "attend/explain/attention_maps.h"
#include "attend/model/gpt.h"
#include "attend/task/generate.h"

namespace attend::task {

struct SampleOptions {
  std::int64_t tokens = 256;  ///< most tokens to write
  double temperature = 0.8;   ///< scores are divided by it; 0: always the most likely token
  std::int64_t top_k = 0;     ///< only the k most likely tokens; 0: all
  /// Only the fewest tokens that have this probability together (Holtzman et al., "The Curious Case of Neural
  /// Text Degeneration", 2020).
  double top_p = 1;
  std::uint64_t seed = 1;
  std::vector<std::string> stop = {};  ///< ends before the first of these texts
};

/// Throws Error naming the option that is out of its range.
void validate(const SampleOptions& options);

/// What was written after a prompt.
struct Written {
  std::string text;
  std::int64_t prompt_tokens = 0, tokens = 0;
  bool stopped = false;  ///< by one of SampleOptions::stop
};

struct Evaluation {
  double loss = 0;        ///< mean cross entropy, nats a token
  double perplexity = 0;  ///< exp(loss)
  /// loss tokens / (ln 2 characters); empty when no character begins in the predicted tokens.
  std::optional<double> bits_per_character;
  std::int64_t tokens = 0;      ///< predicted: all but the first
  std::int64_t characters = 0;  ///< that begin in these tokens: Unicode code points
};

/// Where a model looked while it read a text, and what it expects next.
struct Sight {
  explain::AttentionMaps maps;
  /// The most likely next tokens with their probabilities, most likely first.
  std::vector<std::pair<std::string, double>> next;
};

/// A trained model of the task "generate", to be used.
class LanguageModel {
 public:
  /// Reads a model folder. `precision` is f32, bf16 (weights and computation), or auto: bf16 where the
  /// processor has it. Throws Error naming the file for a folder that is no model of this task, damaged or
  /// misfit weights (NaN included), and a missing or damaged tokenizer.
  explicit LanguageModel(const std::filesystem::path& folder, std::string_view precision = "f32");
  ~LanguageModel();
  LanguageModel(LanguageModel&&) noexcept;
  LanguageModel& operator=(LanguageModel&&) noexcept;

  const GenerateConfig& config() const;
  const model::Gpt& model() const;
  const data::Tokenizer& tokenizer() const;

  /// Goes on with a prompt. `on_text` gets the text while it is written, in pieces of whole characters. The
  /// same arguments give the same text. An empty prompt begins after a line break, or after token 0 where the
  /// tokenizer has no line break. Beyond the context, the model goes on with the last half of it in mind.
  /// Throws Error for a prompt that the tokenizer does not take.
  Written generate(std::string_view prompt, const SampleOptions& options = {},
                   const std::function<void(std::string_view)>& on_text = {}) const;

  /// Predicts every token of a text but the first, in consecutive windows of the context.
  Evaluation evaluate(const data::TokenView& tokens) const;

  /// The attention weights of every layer and head for a text. Throws Error for an empty text or one longer
  /// than the context.
  Sight see(std::string_view text, std::int64_t next = 5) const;

 private:
  struct Content;
  std::unique_ptr<Content> content_;
};

}  // namespace attend::task
