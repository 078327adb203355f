#include "attend/task/text_answerer.h"

#include <fmt/format.h>

#include <algorithm>

#include "attend/base/error.h"
#include "attend/model/weights.h"
#include "attend/op/arithmetic.h"
#include "attend/op/shape.h"
#include "task/answer/data.h"
#include "task/answer/evaluate.h"
#include "task/encoder_tokens.h"
#include "task/model_folder.h"
#include "task/precision.h"
#include "task/word_evidence.h"

namespace attend::task {

struct TextAnswerer::Content {
  AnswerConfig config;
  std::unique_ptr<data::Tokenizer> tokenizer;
  std::unique_ptr<model::SpanExtractor> model;

  std::int32_t separator() const { return data::SpecialTokens(tokenizer->size()).separator; }
  std::vector<WindowLogits> logits(const data::TokenSequences& sequences) const {
    return window_logits(*model, sequences, separator(), DType::f32);
  }
  QuestionWindows windows(std::span<const Question> questions) const {
    QuestionWindows windows(*tokenizer, window_options(config));
    for (std::size_t i = 0; i < questions.size(); ++i) {
      // Questions about one text share its tokens.
      const bool again = i > 0 && questions[i].context.data() == questions[i - 1].context.data() &&
                         questions[i].context.size() == questions[i - 1].context.size();
      if (!again) windows.add_context(questions[i].context);
      windows.add_question(questions[i].question);
    }
    return windows;
  }
};

TextAnswerer::TextAnswerer(const std::filesystem::path& folder, std::string_view precision)
    : content_(std::make_unique<Content>()) {
  const DType dtype = dtype_of_precision(precision);
  content_->config = read_answer_config(folder);
  content_->tokenizer = load_encoder_tokenizer(folder, content_->config.model.vocabulary);
  content_->model = std::make_unique<model::SpanExtractor>(content_->config.model);
  model::load_parameters(*content_->model, folder / kWeightsFile);
  if (dtype == DType::bf16) content_->model->cast_parameters(DType::bf16);
}

TextAnswerer::~TextAnswerer() = default;
TextAnswerer::TextAnswerer(TextAnswerer&&) noexcept = default;
TextAnswerer& TextAnswerer::operator=(TextAnswerer&&) noexcept = default;

const AnswerConfig& TextAnswerer::config() const {
  return content_->config;
}
const model::SpanExtractor& TextAnswerer::model() const {
  return *content_->model;
}
const data::Tokenizer& TextAnswerer::tokenizer() const {
  return *content_->tokenizer;
}

std::vector<TextAnswer> TextAnswerer::answer(std::span<const Question> questions) const {
  if (questions.empty()) return {};
  const QuestionWindows windows = content_->windows(questions);
  const std::vector<FoundSpan> found =
      found_spans(windows, content_->logits(windows.sequences()), window_options(config()).longest_answer);
  std::vector<TextAnswer> answers;
  for (std::size_t i = 0; i < questions.size(); ++i)
    answers.push_back(answer_of(windows, found[i], questions[i].context));
  return answers;
}

bool TextAnswerer::counts(const TextAnswer& answer, std::optional<double> no_answer) const {
  const std::optional<double> threshold = no_answer ? no_answer : config().no_answer;
  return !threshold || !(-answer.score > *threshold);
}

AnswerEvaluation TextAnswerer::evaluate(const QuestionFile& data, std::optional<double> no_answer) const {
  const RawQuestions raw = read_questions(data);
  const WindowOptions options = window_options(config());
  const QuestionWindows windows = windows_of(raw, 0, raw.questions.size(), tokenizer(), options);
  const std::vector<WindowLogits> logits = content_->logits(windows.sequences());
  AnswerEvaluation result;
  result.no_answer = no_answer ? no_answer : config().no_answer;
  result.score = score_of(answered(raw, 0, raw.questions.size(), windows, logits, options.longest_answer),
                          result.no_answer);
  result.questions = static_cast<std::int64_t>(raw.questions.size());
  result.windows = windows.size();
  result.loss = mean_loss(windows, logits);
  result.skipped = raw.skipped.count;
  return result;
}

explain::WordScores TextAnswerer::see(const Question& question) const {
  const QuestionWindows windows = content_->windows(std::span(&question, 1));
  const FoundSpan found =
      found_spans(windows, content_->logits(windows.sequences()), window_options(config()).longest_answer)[0];
  const TextAnswer answer = answer_of(windows, found, question.context);
  const std::span<const std::int32_t> ids = windows.sequences()[found.window];
  std::vector<std::int32_t> segments(ids.size(), 1);
  std::fill_n(segments.begin(), windows[found.window].first, 0);
  WordEvidence evidence(model().encoder(), tokenizer(),
                        {.ids = {ids.begin(), ids.end()}, .segments = std::move(segments)});
  const std::int64_t start = found.span.start, end = found.span.end;
  evidence.add("gradient", "gradient of the span's logits times the word's embedding",
               evidence.gradient_times_input([&](const Tensor& features) {
                 const nn::SpanHead::Logits logits = model().logits_of(features);
                 return op::add(op::slice(logits.start, 1, start, start + 1),
                                op::slice(logits.end, 1, end, end + 1));
               }));
  // Against the mark for "no answer", so that logits that all move do not count.
  std::vector<double> margins;
  for (const WindowLogits& logits : content_->logits(evidence.with_hidden_words()))
    margins.push_back(static_cast<double>(logits.start[static_cast<std::size_t>(start)]) +
                      static_cast<double>(logits.end[static_cast<std::size_t>(end)]) -
                      static_cast<double>(logits.start[0]) - static_cast<double>(logits.end[0]));
  std::vector<double> lost;
  for (std::size_t i = 1; i < margins.size(); ++i) lost.push_back(margins[0] - margins[i]);
  evidence.add_words("hidden", "by how much the answer's score is less without the word", lost);
  explain::WordScores scores = evidence.scores();
  scores.title =
      fmt::format("{}: score {:.4f}, probability {:.4f}", answer.text, answer.score, answer.probability);
  return scores;
}

}  // namespace attend::task
