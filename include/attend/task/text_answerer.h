#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attend/data/tokenizer.h"
#include "attend/explain/word_scores.h"
#include "attend/metric/answers.h"
#include "attend/model/span_extractor.h"
#include "attend/task/answer.h"

namespace attend::task {

/// The part of a text that answers a question best.
struct TextAnswer {
  std::string text;
  std::size_t begin = 0, end = 0;  ///< bytes of the text that was searched
  /// The logits of start and end of the span, less those of "no answer" where that is most likely: above 0,
  /// the model rather answers.
  double score = 0;
  /// Of start times end, in the window that the span stands in.
  double probability = 0;
};

/// A text and what is asked about it.
struct Question {
  std::string_view context, question;
};

struct AnswerEvaluation {
  metric::AnswerScore score;
  std::optional<double> no_answer;  ///< the threshold that was used
  std::int64_t questions = 0, windows = 0;
  double loss = 0;           ///< mean of -log p(start) / 2 - log p(end) / 2 over the windows, in nats
  std::int64_t skipped = 0;  ///< bad records
};

/// A trained model of the task "answer", to be used.
class TextAnswerer {
 public:
  /// Reads a model folder. `precision` is f32, bf16 (weights and computation), or auto: bf16 where the
  /// processor has it. Throws Error naming the file for a folder that is no model of this task, damaged or
  /// misfit weights (NaN included), and a missing or damaged tokenizer.
  explicit TextAnswerer(const std::filesystem::path& folder, std::string_view precision = "f32");
  ~TextAnswerer();
  TextAnswerer(TextAnswerer&&) noexcept;
  TextAnswerer& operator=(TextAnswerer&&) noexcept;

  const AnswerConfig& config() const;
  const model::SpanExtractor& model() const;
  const data::Tokenizer& tokenizer() const;

  /// The best answer to each question, whatever its score. A text longer than the context is read in windows.
  /// Throws Error for an empty question or text, and for text that the tokenizer does not take.
  std::vector<TextAnswer> answer(std::span<const Question> questions) const;

  /// Whether an answer counts, by the threshold of the model, or the one given (AnswerConfig::no_answer).
  bool counts(const TextAnswer& answer, std::optional<double> no_answer = {}) const;

  /// Exact match and F1 by the rules of SQuAD.
  AnswerEvaluation evaluate(const QuestionFile& data, std::optional<double> no_answer = {}) const;

  /// Which words of the question, and of the window of the text that the best answer stands in, led to it.
  /// The text of the result is both, on two lines.
  explain::WordScores see(const Question& question) const;

 private:
  struct Content;
  std::unique_ptr<Content> content_;
};

}  // namespace attend::task
