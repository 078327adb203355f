#include "task/answer/evaluate.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "attend/autograd/tape.h"
#include "attend/op/cast.h"
#include "task/encoder_tokens.h"

namespace attend::task {

namespace {

double log_of_sum(const std::vector<float>& logits) {
  const double most = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - most);
  return most + std::log(sum);
}

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

bool is_inside_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0u) == 0x80;
}

}  // namespace

std::vector<WindowLogits> window_logits(const model::SpanExtractor& model,
                                        const data::TokenSequences& sequences, std::int32_t separator,
                                        DType compute) {
  const autograd::NoGrad guard;
  std::vector<WindowLogits> all(static_cast<std::size_t>(sequences.size()));
  for_each_batch(sequences, [&](std::span<const std::int64_t> rows, const model::EncoderInput& input) {
    const nn::SpanHead::Logits logits = model.logits(with_segments(input, separator), {.compute = compute});
    const std::vector<float> start = op::cast(logits.start, DType::f32).to_vector<float>(),
                             end = op::cast(logits.end, DType::f32).to_vector<float>();
    const std::int64_t width = input.tokens.dim(1);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const auto begin = static_cast<std::ptrdiff_t>(r) * width;
      const auto length = static_cast<std::ptrdiff_t>(sequences[rows[r]].size());
      all[static_cast<std::size_t>(rows[r])] = {
          .start = {start.begin() + begin, start.begin() + begin + length},
          .end = {end.begin() + begin, end.begin() + begin + length}};
    }
  });
  return all;
}

BestSpan best_span(const QuestionWindows& windows, std::int64_t window, const WindowLogits& logits,
                   std::int64_t longest) {
  BestSpan best{.score = -std::numeric_limits<double>::infinity(),
                .none = static_cast<double>(logits.start[0]) + static_cast<double>(logits.end[0])};
  const auto length = static_cast<std::int64_t>(logits.start.size());
  const Window& here = windows[window];
  for (std::int64_t start = here.first; start < length; ++start) {
    if (windows.is_blank(here, start)) continue;
    for (std::int64_t end = start; end < std::min(length, start + longest); ++end) {
      if (windows.is_blank(here, end)) continue;
      const double score = static_cast<double>(logits.start[static_cast<std::size_t>(start)]) +
                           static_cast<double>(logits.end[static_cast<std::size_t>(end)]);
      if (score <= best.score) continue;
      best.start = start;
      best.end = end;
      best.score = score;
    }
  }
  return best;
}

std::vector<FoundSpan> found_spans(const QuestionWindows& windows, const std::vector<WindowLogits>& logits,
                                   std::int64_t longest) {
  std::vector<FoundSpan> found(windows.questions());
  std::vector<double> none(windows.questions(), std::numeric_limits<double>::infinity());
  for (FoundSpan& one : found) one.span.score = -std::numeric_limits<double>::infinity();
  for (std::int64_t w = 0; w < windows.size(); ++w) {
    const WindowLogits& here = logits[static_cast<std::size_t>(w)];
    const BestSpan span = best_span(windows, w, here, longest);
    const std::size_t question = windows[w].question;
    none[question] = std::min(none[question], span.none);
    if (span.score <= found[question].span.score) continue;
    found[question] = {.window = w,
                       .span = span,
                       .probability = std::exp(span.score - log_of_sum(here.start) - log_of_sum(here.end))};
  }
  for (std::size_t q = 0; q < found.size(); ++q) found[q].score = found[q].span.score - none[q];
  return found;
}

TextAnswer answer_of(const QuestionWindows& windows, const FoundSpan& found, std::string_view text) {
  const Window& window = windows[found.window];
  const std::int64_t shift = window.begin - window.first;
  std::size_t begin = windows.token_begin(window.context, found.span.start + shift),
              end = windows.token_end(window.context, found.span.end + shift);
  // A token may be a part of a character.
  while (begin > 0 && is_inside_character(text[begin])) --begin;
  while (end < text.size() && is_inside_character(text[end])) ++end;
  while (begin < end && is_space(text[begin])) ++begin;
  while (begin < end && is_space(text[end - 1])) --end;
  return {.text = std::string(text.substr(begin, end - begin)),
          .begin = begin,
          .end = end,
          .score = found.score,
          .probability = found.probability};
}

double mean_loss(const QuestionWindows& windows, const std::vector<WindowLogits>& logits) {
  double sum = 0;
  for (std::int64_t w = 0; w < windows.size(); ++w) {
    const WindowLogits& here = logits[static_cast<std::size_t>(w)];
    sum += log_of_sum(here.start) -
           static_cast<double>(here.start[static_cast<std::size_t>(windows[w].start)]) +
           log_of_sum(here.end) - static_cast<double>(here.end[static_cast<std::size_t>(windows[w].stop)]);
  }
  return sum / 2 / static_cast<double>(windows.size());
}

std::vector<metric::AnsweredQuestion> answered(const RawQuestions& raw, std::size_t begin, std::size_t end,
                                               const QuestionWindows& windows,
                                               const std::vector<WindowLogits>& logits,
                                               std::int64_t longest) {
  const std::vector<FoundSpan> found = found_spans(windows, logits, longest);
  std::vector<metric::AnsweredQuestion> questions;
  for (std::size_t i = begin; i < end; ++i) {
    const RawQuestions::One& one = raw.questions[i];
    metric::AnsweredQuestion question{
        .prediction = answer_of(windows, found[i - begin], raw.contexts[one.context]).text,
        .answers = {},
        .no_answer = -found[i - begin].score};
    for (const data::AnswerSpan& answer : one.answers) question.answers.push_back(answer.text);
    questions.push_back(std::move(question));
  }
  return questions;
}

metric::AnswerScore score_of(std::span<const metric::AnsweredQuestion> questions,
                             std::optional<double> no_answer) {
  return metric::answer_score(questions, no_answer.value_or(std::numeric_limits<double>::max()));
}

}  // namespace attend::task
