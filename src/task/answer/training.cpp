#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "attend/backend/processor.h"
#include "attend/base/error.h"
#include "attend/base/random.h"
#include "attend/io/file.h"
#include "attend/model/span_extractor.h"
#include "attend/model/weights.h"
#include "attend/task/answer.h"
#include "task/answer/card.h"
#include "task/answer/config.h"
#include "task/answer/data.h"
#include "task/answer/evaluate.h"
#include "task/answer/fields.h"
#include "task/encoder_start.h"
#include "task/encoder_tokens.h"
#include "task/model_folder.h"
#include "task/resumable.h"
#include "task/training.h"

namespace attend::task {

namespace fs = std::filesystem;

namespace {

// Batches and hidden tokens each draw from streams of a seed of their own.
constexpr std::uint64_t kBatchSeed = 0x6261746368616e73ull, kHideSeed = 0x68696465616e7331ull;

/// The first question of the last tenth, moved on to one about another text than the question before it; the
/// number of questions when there is none.
std::size_t first_held_out(const RawQuestions& raw) {
  const std::size_t count = raw.questions.size();
  std::size_t first = count - count / 10;
  while (first > 0 && first < count && raw.questions[first].context == raw.questions[first - 1].context)
    ++first;
  return first;
}

/// What a tokenizer learns from.
std::string joined_text(const RawQuestions& raw, std::size_t questions) {
  std::string text;
  for (std::size_t i = 0; i < questions; ++i) {
    const RawQuestions::One& one = raw.questions[i];
    if (i == 0 || one.context != raw.questions[i - 1].context) text += raw.contexts[one.context] + "\n";
    text += one.question + "\n";
  }
  return text;
}

/// The threshold that SQuAD's script chooses is the score of a question; half way to that of the next one is
/// as good on these questions, and better on others.
double chosen_threshold(std::span<const metric::AnsweredQuestion> questions) {
  const double best = metric::best_thresholds(questions).f1.threshold;
  double next = std::numeric_limits<double>::infinity();
  for (const metric::AnsweredQuestion& question : questions)
    if (question.no_answer > best) next = std::min(next, question.no_answer);
  return std::isfinite(next) ? (best + next) / 2 : best;
}

class Training {
 public:
  explicit Training(const AnswerJob& job) : job_(job) {}
  AnswerConfig run();

 private:
  void prepare();
  void resume();
  void read(std::unique_ptr<data::Tokenizer> start);
  void say_facts() const;
  void fill_folder();
  Tensor loss(std::int64_t index, DType compute, Generator& random);
  std::vector<WindowLogits> validation_logits(DType compute) const;
  Trainee trainee();
  void finish();

  const AnswerJob& job_;
  bool begun_ = false;
  NewFolders folders_;
  AnswerConfig config_;
  AnswerOptions options_;
  std::unique_ptr<data::Tokenizer> tokenizer_;
  RawQuestions held_out_;  // with the questions to learn from before them, unless they have a file
  std::size_t first_held_out_ = 0;
  std::unique_ptr<QuestionWindows> train_, validation_;
  std::unique_ptr<data::LengthBatches> batches_;
  std::unique_ptr<model::SpanExtractor> model_;
};

AnswerConfig Training::run() {
  prepare();
  say_facts();
  const Trainee trainee = this->trainee();
  if (options_.precision == "auto") options_.precision = measured_precision(trainee, job_);
  config_.training = options_;
  say(job_, fmt::format("model: {} parameters, {} layers of {}, context {}; {}, {} threads",
                        model_->parameter_count(), options_.model.layers, options_.model.dim,
                        options_.model.context, options_.precision, processor().threads));
  fill_folder();
  config_.results = conclude(train_in_place(trainee, options_, job_), options_, job_, begun_);
  finish();
  return config_;
}

void Training::resume() {
  config_ = read_answer_config(job_.out);
  resume_with(options_, config_, job_.out);
}

/// Everything that can turn out to be wrong, before anything is said or written.
void Training::prepare() {
  check_place(job_, job_.data.path);
  options_ = job_.options;
  begun_ = job_.resume && holds_model(job_.out);
  if (begun_) resume();
  validate(options_);
  const EncoderStarter start(options_.start, job_, begun_, options_.model, options_.tokenizer);
  read(start.tokenizer());
  batches_ = std::make_unique<data::LengthBatches>(train_->sequences().lengths(),
                                                   data::LengthBatchOptions{.batch = options_.batch},
                                                   options_.seed ^ kBatchSeed);
  config_.model = options_.model;
  config_.tokenizer = options_.tokenizer.kind;
  config_.training = options_;
  model_ = std::make_unique<model::SpanExtractor>(config_.model, options_.seed);
  start.load(*model_, *tokenizer_, job_.data.skip_bad);
  folders_.make(job_.out);
}

/// `start`: the tokenizer to start with, if there is one.
void Training::read(std::unique_ptr<data::Tokenizer> start) {
  const auto chosen = [&](const QuestionFile& given, const std::string QuestionFacts::*before) {
    QuestionFile file = given;
    if (file.path.empty() && begun_) file.path = (*config_.data).*before;
    return file;
  };
  const QuestionFile data = chosen(job_.data, &QuestionFacts::path),
                     validation = chosen(job_.valid, &QuestionFacts::validation_path);
  if (data.path.empty()) throw Error("--data FILE is needed: questions about texts");
  RawQuestions raw = read_questions(data);
  QuestionFacts facts{.path = data.path.string(),
                      .validation_path = validation.path.string(),
                      .checksum = checksum_of(raw),
                      .skipped = raw.skipped.count};
  const std::size_t count = raw.questions.size(),
                    learnt = validation.path.empty() ? first_held_out(raw) : count;
  if (learnt == 0 || (learnt == count && validation.path.empty()))
    throw Error(
        fmt::format("--data {}: {} questions about {} texts are too few, the last 10 %, about texts of their "
                    "own, are for validation; more are needed, or --valid",
                    data.path.string(), count, raw.contexts.size()));
  tokenizer_ = begun_             ? data::load_tokenizer(job_.out)
               : start != nullptr ? std::move(start)
                                  : data::train_tokenizer(options_.tokenizer, joined_text(raw, learnt));
  options_.model.vocabulary = tokenizer_->size() + data::SpecialTokens::kCount;
  const WindowOptions windows = {.context = options_.model.context,
                                 .stride = options_.stride,
                                 .longest_answer = options_.longest_answer};
  train_ = std::make_unique<QuestionWindows>(windows_of(raw, 0, learnt, *tokenizer_, windows));
  for (std::size_t i = 0; i < learnt; ++i) facts.without_answer += raw.questions[i].answers.empty() ? 1 : 0;
  facts.texts = static_cast<std::int64_t>(raw.questions[learnt - 1].context) + 1;
  if (validation.path.empty()) {
    held_out_ = std::move(raw);
    first_held_out_ = learnt;
  } else {
    held_out_ = read_questions(validation);
    facts.checksum ^= checksum_of(held_out_) * 3;
    facts.skipped += held_out_.skipped.count;
  }
  validation_ = std::make_unique<QuestionWindows>(
      windows_of(held_out_, first_held_out_, held_out_.questions.size(), *tokenizer_, windows));
  facts.questions = static_cast<std::int64_t>(learnt);
  facts.validation_questions = static_cast<std::int64_t>(validation_->questions());
  facts.windows = train_->size();
  facts.tokens = train_->sequences().tokens();
  if (begun_ && facts.checksum != config_.data->checksum)
    throw Error(fmt::format("--data {}: other questions than those that the training in {} began with",
                            data.path.string(), job_.out.string()));
  config_.data = facts;
}

void Training::say_facts() const {
  const QuestionFacts& facts = *config_.data;
  std::string line = fmt::format(
      "questions: {} to learn from about {} texts, {} without an answer, in {} windows of {} tokens ({} "
      "different); {} for validation",
      facts.questions, facts.texts, facts.without_answer, facts.windows, facts.tokens, tokenizer_->size(),
      facts.validation_questions);
  if (facts.skipped > 0) line += fmt::format("; {} bad records skipped", facts.skipped);
  say(job_, line);
}

void Training::fill_folder() {
  if (job_.overwrite && !job_.resume) remove_model(job_.out);
  tokenizer_->save(job_.out);
  write_answer_config(job_.out, config_);
}

Tensor Training::loss(std::int64_t index, DType compute, Generator& random) {
  const data::SpecialTokens special(tokenizer_->size());
  const std::span<const std::int64_t> rows = batches_->batch(index);
  data::PaddedBatch batch = data::padded_batch(train_->sequences(), rows, special.padding);
  // Segments are told by the separator, so before any token is hidden.
  model::EncoderInput input = with_segments(input_of(batch), special.separator);
  const RandomStream hide{.seed = options_.seed ^ kHideSeed, .stream = static_cast<std::uint64_t>(index)};
  hide_tokens(batch, options_.token_dropout, hide, special.mask);
  input.tokens = Tensor::from(batch.tokens, {batch.rows, batch.length});
  std::vector<std::int32_t> starts, ends;
  for (const std::int64_t row : rows) {
    starts.push_back((*train_)[row].start);
    ends.push_back((*train_)[row].stop);
  }
  nn::Run run;
  run.training = true;
  run.random = &random;
  run.compute = compute;
  run.recompute_blocks = options_.recompute;
  return model_->loss(input, Tensor::from(starts, {batch.rows}), Tensor::from(ends, {batch.rows}), run);
}

std::vector<WindowLogits> Training::validation_logits(DType compute) const {
  return window_logits(*model_, validation_->sequences(), data::SpecialTokens(tokenizer_->size()).separator,
                       compute);
}

Trainee Training::trainee() {
  Trainee trainee;
  trainee.model = model_.get();
  trainee.loss_of = [this](std::int64_t index, DType compute, Generator& random) {
    return loss(index, compute, random);
  };
  trainee.evaluate = [this](DType compute) { return mean_loss(*validation_, validation_logits(compute)); };
  trainee.items_per_batch = config_.data->tokens / batches_->per_epoch();
  return trainee;
}

/// Measures the weights that were kept, and chooses when to give no answer.
void Training::finish() {
  config_.scores.reset();
  config_.no_answer.reset();
  if (config_.results->validation_loss) {
    model::load_parameters(*model_, job_.out / kWeightsFile);
    const std::vector<metric::AnsweredQuestion> questions =
        answered(held_out_, first_held_out_, held_out_.questions.size(), *validation_,
                 validation_logits(DType::f32), options_.longest_answer);
    bool any_without = false;
    for (const metric::AnsweredQuestion& question : questions)
      any_without = any_without || question.answers.empty();
    if (any_without) config_.no_answer = chosen_threshold(questions);
    const metric::AnswerScore score = score_of(questions, config_.no_answer);
    config_.scores = {.exact = score.all.exact, .f1 = score.all.f1};
  }
  write_answer_config(job_.out, config_);
  io::write_file_atomically(job_.out / kCardFile,
                            answer_card(config_, model_->parameter_count(), job_.command, job_.out.string()));
}

}  // namespace

AnswerConfig train_answer(const AnswerJob& job) {
  return Training(job).run();
}

}  // namespace attend::task
