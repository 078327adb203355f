#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "attend/backend/processor.h"
#include "attend/base/error.h"
#include "attend/io/file.h"
#include "attend/model/encoder_decoder.h"
#include "attend/model/weights.h"
#include "attend/task/text_to_text.h"
#include "task/model_folder.h"
#include "task/resumable.h"
#include "task/text_to_text/alignment.h"
#include "task/text_to_text/card.h"
#include "task/text_to_text/config.h"
#include "task/text_to_text/data.h"
#include "task/text_to_text/evaluate.h"
#include "task/text_to_text/fields.h"
#include "task/training.h"

namespace attend::task {

namespace fs = std::filesystem;

namespace {

class Training {
 public:
  explicit Training(const TextToTextJob& job) : job_(job) {}
  TextToTextConfig run();

 private:
  void prepare();
  void fill_folder();
  Trainee trainee();
  void find_alignment();

  const TextToTextJob& job_;
  bool begun_ = false;
  NewFolders folders_;
  TextToTextConfig config_;
  std::unique_ptr<TrainingPairs> pairs_;
  std::unique_ptr<model::EncoderDecoder> model_;
};

TextToTextConfig Training::run() {
  prepare();
  fill_folder();
  const Trainee trainee = this->trainee();
  TrainingOptions& options = *config_.training;
  const PairFacts& facts = pairs_->facts();
  say(job_,
      fmt::format("pairs: {} to learn from, {} held out, {} left out; {} tokens of sources, {} of targets",
                  facts.pairs, facts.validation_pairs, facts.skipped + facts.too_long, facts.source_tokens,
                  facts.target_tokens));
  if (options.precision == "auto") options.precision = measured_precision(trainee, job_);
  say(job_,
      fmt::format("model: {} parameters, {} + {} layers of {}; {}, {} threads", model_->parameter_count(),
                  config_.model.encoder_layers(), config_.model.decoder_layers(), config_.model.dim(),
                  options.precision, processor().threads));
  write_text_to_text_config(job_.out, config_);
  config_.results = conclude(train_in_place(trainee, options, job_), options, job_, begun_);
  find_alignment();
  write_text_to_text_config(job_.out, config_);
  io::write_file_atomically(job_.out / kCardFile, text_to_text_card(config_, model_->parameter_count(),
                                                                    job_.command, job_.out.string()));
  return config_;
}

/// Everything that can turn out to be wrong, before anything is said or written.
void Training::prepare() {
  check_place(job_, {});
  TextToTextOptions options = job_.options;
  config_.task = job_.task;
  begun_ = job_.resume && holds_model(job_.out);
  if (begun_) {
    config_ = read_text_to_text_config(job_.out);
    if (config_.task != job_.task)
      throw Error(fmt::format("--out {}: holds a model of the task {}", job_.out.string(), config_.task));
    resume_with(options, config_, job_.out);
  }
  validate(options);
  pairs_ = std::make_unique<TrainingPairs>(job_, begun_ ? &config_ : nullptr);
  // The end of a sequence is one token more than the tokenizer has.
  options.model.set_vocabularies(pairs_->tokenizers().source_end() + 1,
                                 pairs_->tokenizers().target_end() + 1);
  model_ = model::make_encoder_decoder(options.model, options.seed);
  config_.model = options.model;
  config_.tokenizer = options.tokenizer.kind;
  config_.training = options;
  folders_.make(job_.out);
}

void Training::fill_folder() {
  if (job_.overwrite && !job_.resume) remove_model(job_.out);
  pairs_->save(job_.out);
  config_.data = pairs_->facts();
}

Trainee Training::trainee() {
  Trainee trainee;
  trainee.model = model_.get();
  learn_from_batches<PairBatch>(
      trainee, [this](std::int64_t index) { return pairs_->batch(index); },
      [this](const PairBatch& batch, DType compute, Generator& random) {
        nn::Run run;
        run.training = true;
        run.random = &random;
        run.compute = compute;
        run.recompute_blocks = config_.training->recompute;
        return pair_loss(*model_, batch, run, config_.training->label_smoothing);
      });
  trainee.evaluate = [this](DType compute) {
    nn::Run run;
    run.compute = compute;
    return mean_pair_loss(
        *model_, pairs_->validation_batches(),
        [this](std::int64_t index) { return pairs_->validation_batch(index); }, run);
  };
  trainee.items_per_batch = pairs_->tokens_per_batch();
  return trainee;
}

/// Of the weights that are kept, which are not those in memory when an earlier update was the best.
void Training::find_alignment() {
  constexpr std::int64_t kPairs = 200;
  if (!fs::exists(job_.out / kWeightsFile)) return;
  const auto kept = model::make_encoder_decoder(config_.model);
  model::load_parameters(*kept, job_.out / kWeightsFile);
  AlignmentScore score;
  for (std::int64_t i = 0; i < std::min(kPairs, pairs_->facts().validation_pairs); ++i) {
    auto [source, target] = pairs_->validation_pair(i);
    target.pop_back();
    if (!target.empty()) score.add(cross_attention(*kept, source, target, pairs_->tokenizers()));
  }
  config_.alignment = score.best();
}

}  // namespace

TextToTextConfig train_text_to_text(const TextToTextJob& job) {
  return Training(job).run();
}

}  // namespace attend::task
