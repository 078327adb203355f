#include <fmt/format.h>

#include <memory>

#include "attend/backend/processor.h"
#include "attend/base/error.h"
#include "attend/base/random.h"
#include "attend/io/file.h"
#include "attend/model/weights.h"
#include "attend/task/classify.h"
#include "attend/task/classify_evaluation.h"
#include "io/printable.h"
#include "task/classify/card.h"
#include "task/classify/config.h"
#include "task/classify/data.h"
#include "task/classify/evaluate.h"
#include "task/classify/fields.h"
#include "task/classify/predict.h"
#include "task/encoder_start.h"
#include "task/encoder_tokens.h"
#include "task/model_folder.h"
#include "task/resumable.h"
#include "task/training.h"

namespace attend::task {

namespace fs = std::filesystem;

namespace {

// Batches and hidden tokens each draw from streams of a seed of their own.
constexpr std::uint64_t kBatchSeed = 0x6261746368657331ull, kHideSeed = 0x68696464656e3031ull;

data::LabelledTextOptions reading(const ClassifyOptions& options) {
  return {.text = options.text,
          .labels = options.labels,
          .header = options.header,
          .read = {.bad_records = options.skip_bad ? data::BadRecords::kSkip : data::BadRecords::kThrow}};
}

class Training {
 public:
  explicit Training(const ClassifyJob& job) : job_(job) {}
  ClassifyConfig run();

 private:
  void prepare();
  void read_texts();
  void say_facts() const;
  void fill_folder();
  Tensor loss(std::int64_t index, DType compute, Generator& random);
  train::Validation validation(DType compute) const;
  Trainee trainee();
  void finish();

  const ClassifyJob& job_;
  bool begun_ = false;
  NewFolders folders_;
  ClassifyConfig config_;
  ClassifyOptions options_;
  std::unique_ptr<data::Tokenizer> tokenizer_;
  LabelledSequences train_, validation_;
  std::unique_ptr<data::LengthBatches> batches_;
  std::unique_ptr<model::SequenceClassifier> model_;
};

ClassifyConfig Training::run() {
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

/// Everything that can turn out to be wrong, before anything is said or written.
void Training::prepare() {
  check_place(job_, job_.data);
  options_ = job_.options;
  begun_ = job_.resume && holds_model(job_.out);
  if (begun_) {
    config_ = read_classify_config(job_.out);
    resume_with(options_, config_, job_.out);
    options_.model.vocabulary = config_.model.encoder.vocabulary;
  }
  validate(options_);
  const EncoderStarter start(options_.start, job_, begun_, options_.model, options_.tokenizer);
  tokenizer_ = start.tokenizer();
  read_texts();
  batches_ = std::make_unique<data::LengthBatches>(
      train_.texts.lengths(), data::LengthBatchOptions{.batch = options_.batch}, options_.seed ^ kBatchSeed);
  config_.model = {.encoder = options_.model,
                   .pooling = nn::pooling_from_name(options_.pooling),
                   .classes = {},
                   .bag_of_words = options_.bag_of_words ? tokenizer_->size() : 0};
  for (const data::LabelSet& column : config_.columns) config_.model.classes.push_back(column.size());
  config_.tokenizer = options_.tokenizer.kind;
  model_ = std::make_unique<model::SequenceClassifier>(config_.model, options_.seed);
  start.load(*model_, *tokenizer_, options_.skip_bad);
  config_.training = options_;
  folders_.make(job_.out);
}

void Training::read_texts() {
  const fs::path data = !job_.data.empty() ? job_.data
                        : begun_           ? fs::path(config_.data->path)
                                           : fs::path(),
                 validation = !job_.validation.empty() ? job_.validation
                              : begun_                 ? fs::path(config_.data->validation_path)
                                                       : fs::path();
  if (data.empty()) throw Error("--data FILE is needed: texts with their labels");
  RawTexts raw(data, reading(options_));
  const std::int64_t count = raw.size(), learnt = validation.empty() ? count - count / 10 : count;
  if (learnt == count && validation.empty())
    throw Error(
        fmt::format("--data {}: {} texts are too few, the last 10 % are for validation; at least 10 are "
                    "needed, or --valid",
                    data.string(), count));
  ClassifyFacts facts{.path = data.string(), .validation_path = validation.string()};
  if (!begun_) config_.columns = raw.label_sets(learnt);
  raw.renumber(config_.columns);
  facts.checksum = raw.checksum();
  facts.skipped = raw.skipped().count;
  if (begun_)
    tokenizer_ = data::load_tokenizer(job_.out);
  else if (tokenizer_ == nullptr)
    tokenizer_ = data::train_tokenizer(options_.tokenizer, raw.joined(learnt));
  options_.model.vocabulary = tokenizer_->size() + data::SpecialTokens::kCount;
  train_ = encoded(raw, 0, learnt, *tokenizer_, options_.model.context);
  if (validation.empty()) {
    validation_ = encoded(raw, learnt, count, *tokenizer_, options_.model.context);
  } else {
    const RawTexts other(validation, reading(options_), config_.columns);
    facts.checksum ^= other.checksum() * 3;
    facts.skipped += other.skipped().count;
    validation_ = encoded(other, 0, other.size(), *tokenizer_, options_.model.context);
  }
  facts.texts = train_.texts.size();
  facts.validation_texts = validation_.texts.size();
  facts.tokens = train_.texts.tokens();
  facts.cut = train_.cut + validation_.cut;
  if (begun_ && facts.checksum != config_.data->checksum)
    throw Error(fmt::format("--data {}: other texts than those that the training in {} began with",
                            data.string(), job_.out.string()));
  config_.data = facts;
}

void Training::say_facts() const {
  const ClassifyFacts& facts = *config_.data;
  std::string line = fmt::format("texts: {} to learn from with {} tokens ({} different), {} for validation",
                                 facts.texts, facts.tokens, tokenizer_->size(), facts.validation_texts);
  if (facts.cut > 0) line += fmt::format("; {} are longer than the context and cut", facts.cut);
  if (facts.skipped > 0) line += fmt::format("; {} bad records skipped", facts.skipped);
  say(job_, line);
  for (const data::LabelSet& column : config_.columns)
    say(job_, fmt::format("column {}: {} labels", io::printable(column.column()), column.size()));
}

void Training::fill_folder() {
  if (job_.overwrite && !job_.resume) remove_model(job_.out);
  tokenizer_->save(job_.out);
  write_classify_config(job_.out, config_);
}

Tensor Training::loss(std::int64_t index, DType compute, Generator& random) {
  const std::span<const std::int64_t> rows = batches_->batch(index);
  const data::SpecialTokens special(tokenizer_->size());
  data::PaddedBatch batch = data::padded_batch(train_.texts, rows, special.padding);
  const Tensor words = Tensor::from(batch.tokens, {batch.rows, batch.length});
  const RandomStream hide{.seed = options_.seed ^ kHideSeed, .stream = static_cast<std::uint64_t>(index)};
  hide_tokens(batch, options_.token_dropout, hide, special.mask);
  std::vector<Tensor> targets;
  for (const auto& column : train_.labels) {
    std::vector<std::int64_t> labels;
    for (const std::int64_t row : rows) labels.push_back(column[static_cast<std::size_t>(row)]);
    targets.push_back(Tensor::from(labels, {batch.rows}));
  }
  nn::Run run;
  run.training = true;
  run.random = &random;
  run.compute = compute;
  run.recompute_blocks = options_.recompute;
  return model_->loss({.tokens = Tensor::from(batch.tokens, {batch.rows, batch.length}),
                       .lengths = Tensor::from(batch.lengths, {batch.rows})},
                      targets, run, {.label_smoothing = options_.label_smoothing, .words = words});
}

train::Validation Training::validation(DType compute) const {
  const auto values = log_probabilities(*model_, validation_.texts, compute);
  const double loss = mean_loss(values, validation_.labels);
  if (options_.monitor == "loss") return loss;
  double sum = 0;
  const ClassifyEvaluation evaluation = evaluation_of(values, config_.columns, validation_);
  for (const ColumnEvaluation& column : evaluation.columns)
    sum += options_.monitor == "accuracy" ? column.score.accuracy : column.score.macro.f1;
  return {loss, sum / static_cast<double>(evaluation.columns.size())};
}

Trainee Training::trainee() {
  Trainee trainee;
  trainee.model = model_.get();
  trainee.loss_of = [this](std::int64_t index, DType compute, Generator& random) {
    return loss(index, compute, random);
  };
  trainee.evaluate = [this](DType compute) { return validation(compute); };
  trainee.items_per_batch = config_.data->tokens / batches_->per_epoch();
  return trainee;
}

/// Measures the weights that were kept.
void Training::finish() {
  ClassifyEvaluation evaluation;
  config_.scores.clear();
  if (config_.results->validation_loss) {
    model::load_parameters(*model_, job_.out / kWeightsFile);
    evaluation = evaluation_of(*model_, config_.columns, validation_, DType::f32);
    for (const ColumnEvaluation& column : evaluation.columns)
      config_.scores.push_back({.accuracy = column.score.accuracy, .macro_f1 = column.score.macro.f1});
  }
  write_classify_config(job_.out, config_);
  io::write_file_atomically(
      job_.out / kCardFile,
      classify_card(config_, evaluation, model_->parameter_count(), job_.command, job_.out.string()));
}

}  // namespace

ClassifyConfig train_classify(const ClassifyJob& job) {
  return Training(job).run();
}

}  // namespace attend::task
