#include <fmt/format.h>

#include <memory>

#include "attend/backend/processor.h"
#include "attend/base/error.h"
#include "attend/base/random.h"
#include "attend/io/file.h"
#include "attend/model/weights.h"
#include "attend/task/tag.h"
#include "task/encoder_start.h"
#include "task/encoder_tokens.h"
#include "task/model_folder.h"
#include "task/resumable.h"
#include "task/tag/card.h"
#include "task/tag/config.h"
#include "task/tag/data.h"
#include "task/tag/evaluate.h"
#include "task/tag/fields.h"
#include "task/training.h"

namespace attend::task {

namespace fs = std::filesystem;

namespace {

// Batches and hidden tokens each draw from streams of a seed of their own.
constexpr std::uint64_t kBatchSeed = 0x6261746368746167ull, kHideSeed = 0x6869646574616731ull;

class Training {
 public:
  explicit Training(const TagJob& job) : job_(job) {}
  TagConfig run();

 private:
  void prepare();
  void resume();
  void read();
  RawSentences read_file(const fs::path& path, const std::vector<std::string>* known) const;
  void say_facts() const;
  void fill_folder();
  Tensor loss(std::int64_t index, DType compute, Generator& random);
  train::Validation validation(DType compute) const;
  Trainee trainee();
  void finish();

  const TagJob& job_;
  bool begun_ = false;
  NewFolders folders_;
  TagConfig config_;
  TagOptions options_;
  std::unique_ptr<data::Tokenizer> tokenizer_;
  TaggedParts train_, validation_;
  std::unique_ptr<data::LengthBatches> batches_;
  std::unique_ptr<model::SequenceTagger> model_;
};

TagConfig Training::run() {
  prepare();
  say_facts();
  const Trainee trainee = this->trainee();
  if (options_.precision == "auto") options_.precision = measured_precision(trainee, job_);
  config_.training = options_;
  say(job_, fmt::format("model: {} parameters, {} layers of {}, context {}, {}; {}, {} threads",
                        model_->parameter_count(), options_.model.layers, options_.model.dim,
                        options_.model.context, options_.head, options_.precision, processor().threads));
  fill_folder();
  config_.results = conclude(train_in_place(trainee, options_, job_), options_, job_, begun_);
  finish();
  return config_;
}

void Training::resume() {
  config_ = read_tag_config(job_.out);
  resume_with(options_, config_, job_.out);
}

/// Everything that can turn out to be wrong, before anything is said or written.
void Training::prepare() {
  check_place(job_, job_.data);
  options_ = job_.options;
  begun_ = job_.resume && holds_model(job_.out);
  if (begun_) resume();
  validate(options_);
  const EncoderStarter start(options_.start, job_, begun_, options_.model, options_.tokenizer);
  tokenizer_ = start.tokenizer();
  read();
  batches_ = std::make_unique<data::LengthBatches>(
      train_.tokens.lengths(), data::LengthBatchOptions{.batch = options_.batch}, options_.seed ^ kBatchSeed);
  config_.model = {.encoder = options_.model,
                   .tags = static_cast<std::int64_t>(config_.tags.size()),
                   .crf = options_.head == "crf",
                   .characters = CharacterSet(config_.characters).size(),
                   .character_filters = options_.char_cnn};
  config_.tokenizer = options_.tokenizer.kind;
  model_ = std::make_unique<model::SequenceTagger>(config_.model, options_.seed);
  start.load(*model_, *tokenizer_, options_.skip_bad);
  config_.training = options_;
  folders_.make(job_.out);
}

RawSentences Training::read_file(const fs::path& path, const std::vector<std::string>* known) const {
  const data::ReadOptions read = {.bad_records =
                                      options_.skip_bad ? data::BadRecords::kSkip : data::BadRecords::kThrow};
  return read_sentences(path, tagged_options(path, options_.format, options_.tag_column, read), known);
}

void Training::read() {
  const auto chosen = [&](const fs::path& given, const std::string TagFacts::*before) {
    return !given.empty() || !begun_ ? given : fs::path((*config_.data).*before);
  };
  const fs::path path = chosen(job_.data, &TagFacts::path),
                 validation = chosen(job_.validation, &TagFacts::validation_path);
  if (path.empty()) throw Error("--data FILE is needed: tagged sentences");
  RawSentences raw = read_file(path, nullptr);
  TagFacts facts{.path = path.string(),
                 .validation_path = validation.string(),
                 .checksum = checksum_of(raw.sentences),
                 .skipped = raw.skipped.count};
  const std::size_t count = raw.sentences.size(), learnt = validation.empty() ? count - count / 10 : count;
  if (learnt == count && validation.empty())
    throw Error(
        fmt::format("--data {}: {} sentences are too few, the last 10 % are for validation; at least 10 are "
                    "needed, or --valid",
                    path.string(), count));
  const auto sentences = std::span<const data::TaggedSentence>(raw.sentences);
  if (!begun_) config_.tags = tags_of(sentences.first(learnt));
  if (!begun_ && options_.char_cnn > 0) config_.characters = characters_of(sentences.first(learnt));
  if (begun_)
    tokenizer_ = data::load_tokenizer(job_.out);
  else if (tokenizer_ == nullptr)
    tokenizer_ = data::train_tokenizer(options_.tokenizer, joined_words(sentences.first(learnt)));
  if (options_.monitor == "f1" && !mark_spans(config_.tags))
    throw Error(fmt::format("monitor f1: the tags of {} mark no spans; auto, accuracy and loss are accepted",
                            path.string()));
  options_.model.vocabulary = tokenizer_->size() + data::SpecialTokens::kCount;
  const auto encode = [&](std::span<const data::TaggedSentence> part) {
    return encoded(part, {.tags = config_.tags,
                          .tokenizer = *tokenizer_,
                          .context = options_.model.context,
                          .characters = CharacterSet(config_.characters)});
  };
  train_ = encode(sentences.first(learnt));
  if (validation.empty()) {
    try {
      validation_ = encode(sentences.subspan(learnt));
    } catch (const Error& error) {
      throw Error(
          fmt::format("--data {}: the last 10 %, which are for validation: {}", path.string(), error.what()));
    }
  } else {
    const RawSentences other = read_file(validation, &config_.tags);
    facts.checksum ^= checksum_of(other.sentences) * 3;
    facts.skipped += other.skipped.count;
    validation_ = encode(other.sentences);
  }
  facts.sentences = train_.sentences;
  facts.validation_sentences = validation_.sentences;
  facts.words = train_.word_count;
  facts.tokens = train_.tokens.tokens();
  if (begun_ && facts.checksum != config_.data->checksum)
    throw Error(fmt::format("--data {}: other sentences than those that the training in {} began with",
                            path.string(), job_.out.string()));
  config_.data = facts;
}

void Training::say_facts() const {
  const TagFacts& facts = *config_.data;
  std::string line = fmt::format(
      "sentences: {} to learn from with {} words ({} tokens, {} different), {} for validation; {} tags",
      facts.sentences, facts.words, facts.tokens, tokenizer_->size(), facts.validation_sentences,
      config_.tags.size());
  if (facts.skipped > 0) line += fmt::format("; {} bad records skipped", facts.skipped);
  say(job_, line);
}

void Training::fill_folder() {
  if (job_.overwrite && !job_.resume) remove_model(job_.out);
  tokenizer_->save(job_.out);
  write_tag_config(job_.out, config_);
}

Tensor Training::loss(std::int64_t index, DType compute, Generator& random) {
  const data::SpecialTokens special(tokenizer_->size());
  TaggedBatch batch = batch_of(train_, batches_->batch(index), special.padding);
  const RandomStream hide{.seed = options_.seed ^ kHideSeed, .stream = static_cast<std::uint64_t>(index)};
  hide_tokens(batch.tokens, options_.token_dropout, hide, special.mask);
  nn::Run run;
  run.training = true;
  run.random = &random;
  run.compute = compute;
  run.recompute_blocks = options_.recompute;
  return model_->loss(batch.input(), batch.tag_tensor(), run);
}

train::Validation Training::validation(DType compute) const {
  const TagEvaluation evaluation = evaluation_of(*model_, config_.tags, validation_, compute);
  if (options_.monitor == "loss") return evaluation.loss;
  const bool spans = options_.monitor == "f1" || (options_.monitor == "auto" && evaluation.spans);
  return {evaluation.loss, spans ? evaluation.spans->micro.f1 : evaluation.accuracy};
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
  config_.scores.reset();
  if (config_.results->validation_loss) {
    model::load_parameters(*model_, job_.out / kWeightsFile);
    const TagEvaluation evaluation = evaluation_of(*model_, config_.tags, validation_, DType::f32);
    config_.scores = {.accuracy = evaluation.accuracy,
                      .span_f1 = evaluation.spans ? evaluation.spans->micro.f1 : 0};
  }
  write_tag_config(job_.out, config_);
  io::write_file_atomically(job_.out / kCardFile,
                            tag_card(config_, model_->parameter_count(), job_.command, job_.out.string()));
}

}  // namespace

TagConfig train_tag(const TagJob& job) {
  return Training(job).run();
}

}  // namespace attend::task
