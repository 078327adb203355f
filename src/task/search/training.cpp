#include <fmt/format.h>

#include <memory>

#include "attend/autograd/tape.h"
#include "attend/backend/processor.h"
#include "attend/base/error.h"
#include "attend/base/random.h"
#include "attend/io/file.h"
#include "attend/model/weights.h"
#include "attend/task/search.h"
#include "task/encoder_start.h"
#include "task/encoder_tokens.h"
#include "task/model_folder.h"
#include "task/resumable.h"
#include "task/search/card.h"
#include "task/search/config.h"
#include "task/search/data.h"
#include "task/search/evaluate.h"
#include "task/search/fields.h"
#include "task/training.h"

namespace attend::task {

namespace {

// Hidden tokens draw from streams of a seed of their own, those of sources from the even ones.
constexpr std::uint64_t kHideSeed = 0x6869646473656131ull;
constexpr std::int64_t kMostScored = 2000, kCandidates = 1000;

class Training {
 public:
  explicit Training(const SearchJob& job) : job_(job) {}
  SearchConfig run();

 private:
  void prepare();
  void fill_folder();
  ContrastiveBatch batch(std::int64_t index) const;
  double validation_loss(DType compute) const;
  Trainee trainee();
  void finish();

  const SearchJob& job_;
  bool begun_ = false;
  NewFolders folders_;
  SearchConfig config_;
  std::unique_ptr<SearchPairs> pairs_;
  std::unique_ptr<model::SentenceEncoder> model_;
};

SearchConfig Training::run() {
  prepare();
  fill_folder();
  const Trainee trainee = this->trainee();
  SearchOptions& options = *config_.training;
  const PairFacts& facts = pairs_->facts();
  std::string line = fmt::format(
      "pairs: {} to learn from, {} held out; {} tokens of queries, {} of texts ({} different)", facts.pairs,
      facts.validation_pairs, facts.source_tokens, facts.target_tokens, pairs_->tokenizer().size());
  if (facts.too_long > 0) line += fmt::format("; {} are longer than the context and cut", facts.too_long);
  if (facts.skipped > 0) line += fmt::format("; {} bad records skipped", facts.skipped);
  say(job_, line);
  if (options.precision == "auto") options.precision = measured_precision(trainee, job_);
  say(job_, fmt::format("model: {} parameters, {} layers of {}, context {}; {}, {} threads",
                        model_->parameter_count(), options.model.layers, options.model.dim,
                        options.model.context, options.precision, processor().threads));
  write_search_config(job_.out, config_);
  config_.results = conclude(train_in_place(trainee, options, job_), options, job_, begun_);
  finish();
  return config_;
}

/// Everything that can turn out to be wrong, before anything is said or written.
void Training::prepare() {
  check_place(job_, {});
  SearchOptions options = job_.options;
  begun_ = job_.resume && holds_model(job_.out);
  if (begun_) {
    config_ = read_search_config(job_.out);
    resume_with(options, config_, job_.out);
  }
  validate(options);
  const EncoderStarter start(options.start, job_, begun_, options.model, options.tokenizer);
  pairs_ = std::make_unique<SearchPairs>(job_, begun_ ? &config_ : nullptr, start.tokenizer());
  options.model.vocabulary = pairs_->tokenizer().size() + data::SpecialTokens::kCount;
  config_.model = {.encoder = options.model, .pooling = nn::pooling_from_name(options.pooling)};
  model_ = std::make_unique<model::SentenceEncoder>(config_.model, options.seed);
  start.load(*model_, pairs_->tokenizer());
  config_.tokenizer = options.tokenizer.kind;
  config_.training = options;
  folders_.make(job_.out);
}

void Training::fill_folder() {
  if (job_.overwrite && !job_.resume) remove_model(job_.out);
  pairs_->save(job_.out);
  config_.data = pairs_->facts();
}

/// With some of the tokens hidden.
ContrastiveBatch Training::batch(std::int64_t index) const {
  const SearchOptions& options = *config_.training;
  ContrastiveBatch batch = pairs_->batch(index);
  const std::int32_t mask = data::SpecialTokens(pairs_->tokenizer().size()).mask;
  const std::uint64_t seed = options.seed ^ kHideSeed, stream = 2 * static_cast<std::uint64_t>(index);
  hide_tokens(batch.sources, options.token_dropout, {.seed = seed, .stream = stream}, mask);
  hide_tokens(batch.targets, options.token_dropout, {.seed = seed, .stream = stream + 1}, mask);
  return batch;
}

double Training::validation_loss(DType compute) const {
  const autograd::NoGrad guard;
  double sum = 0;
  for (std::int64_t i = 0; i < pairs_->validation_batches(); ++i) {
    const ContrastiveBatch batch = pairs_->validation_batch(i);
    sum += search_loss(*model_, batch, config_.training->temperature, {.compute = compute}).item() *
           static_cast<double>(batch.sources.rows);
  }
  return sum / static_cast<double>(pairs_->facts().validation_pairs);
}

Trainee Training::trainee() {
  Trainee trainee;
  trainee.model = model_.get();
  learn_from_batches<ContrastiveBatch>(
      trainee, [this](std::int64_t index) { return batch(index); },
      [this](const ContrastiveBatch& batch, DType compute, Generator& random) {
        nn::Run run;
        run.training = true;
        run.random = &random;
        run.compute = compute;
        run.recompute_blocks = config_.training->recompute;
        return search_loss(*model_, batch, config_.training->temperature, run);
      });
  trainee.evaluate = [this](DType compute) { return validation_loss(compute); };
  trainee.items_per_batch = pairs_->tokens_per_batch();
  return trainee;
}

/// Measures the weights that were kept.
void Training::finish() {
  config_.scores.reset();
  if (config_.results->validation_loss) {
    model::load_parameters(*model_, job_.out / kWeightsFile);
    const data::TokenSequences sources = pairs_->validation_side(0, kMostScored),
                               targets = pairs_->validation_side(1, kMostScored);
    config_.scores =
        search_scores(embeddings_of(*model_, sources, DType::f32),
                      embeddings_of(*model_, targets, DType::f32), groups_of(targets), kCandidates);
  }
  write_search_config(job_.out, config_);
  io::write_file_atomically(job_.out / kCardFile,
                            search_card(config_, model_->parameter_count(), job_.command, job_.out.string()));
}

}  // namespace

SearchConfig train_search(const SearchJob& job) {
  return Training(job).run();
}

}  // namespace attend::task
