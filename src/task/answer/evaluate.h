#pragma once

#include <optional>
#include <span>
#include <vector>

#include "attend/metric/answers.h"
#include "attend/model/span_extractor.h"
#include "attend/task/text_answerer.h"
#include "task/answer/data.h"

namespace attend::task {

/// Logits of the tokens of one window.
struct WindowLogits {
  std::vector<float> start, end;
};

/// Of all sequences, in their order; computed in batches of similar length.
std::vector<WindowLogits> window_logits(const model::SpanExtractor& model,
                                        const data::TokenSequences& sequences, std::int32_t separator,
                                        DType compute);

/// The best span of the text in a window; its score is -infinity when there is none.
struct BestSpan {
  std::int64_t start = 0, end = 0;  ///< places in the sequence, both in the span
  double score = 0;                 ///< sum of both logits
  double none = 0;                  ///< sum of the logits of the mark for "no answer"
};
BestSpan best_span(const QuestionWindows& windows, std::int64_t window, const WindowLogits& logits,
                   std::int64_t longest);

/// Where the answer to a question was found.
struct FoundSpan {
  std::int64_t window = 0;
  BestSpan span;
  double score = 0;        ///< as TextAnswer has it
  double probability = 0;  ///< as TextAnswer has it
};
/// For each question the best span of all its windows.
std::vector<FoundSpan> found_spans(const QuestionWindows& windows, const std::vector<WindowLogits>& logits,
                                   std::int64_t longest);

/// The answer that a span is. `text`: the whole text.
TextAnswer answer_of(const QuestionWindows& windows, const FoundSpan& found, std::string_view text);

/// The mean over the windows of half of -log p(start) - log p(end).
double mean_loss(const QuestionWindows& windows, const std::vector<WindowLogits>& logits);

/// The questions [begin, end) as they were answered; `no_answer` is the score turned round.
std::vector<metric::AnsweredQuestion> answered(const RawQuestions& raw, std::size_t begin, std::size_t end,
                                               const QuestionWindows& windows,
                                               const std::vector<WindowLogits>& logits, std::int64_t longest);

/// answer_score(), every question answered when there is no threshold.
metric::AnswerScore score_of(std::span<const metric::AnsweredQuestion> questions,
                             std::optional<double> no_answer);

}  // namespace attend::task
