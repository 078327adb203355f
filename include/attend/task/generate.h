#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attend/data/tokenizer.h"
#include "attend/model/gpt_config.h"
#include "attend/train/trainer.h"

/// The task "generate": a GPT decoder learns to go on with a text.
namespace attend::task {

/// Everything that decides what is learnt. The defaults are those of the preset "book".
struct GenerateOptions {
  std::string preset = "book";  ///< where the values came from; changes nothing of its own
  model::GptConfig model;       ///< its `vocabulary` comes from the tokenizer
  data::TokenizerOptions tokenizer;

  std::int64_t batch = 12;      ///< windows of `model.context` tokens at once
  std::int64_t accumulate = 1;  ///< batches for one update
  std::int64_t steps = 2000;    ///< updates; 0: as many as the time allows
  double minutes = 0;           ///< time of training; 0: no limit
  double learning_rate = 1e-3;
  double minimum_learning_rate = 1e-4;
  std::int64_t warmup = 100;        ///< updates
  std::string schedule = "cosine";  ///< see train::decay_from_name
  double beta1 = 0.9;
  double beta2 = 0.99;
  double weight_decay = 0.1;
  double clip = 1;  ///< largest norm of the gradient; 0: no clipping
  double label_smoothing = 0;

  std::string precision = "auto";     ///< f32, bf16, or auto: both are timed, the faster one is kept
  std::int64_t evaluate_every = 250;  ///< updates; 0: at the end only
  std::int64_t save_every = 0;        ///< updates; 0: at each new best and at the end only
  std::int64_t patience = 0;  ///< evaluations without a new best before training ends; 0: no early end
  bool recompute = false;     ///< less memory, one forward pass more
  std::uint64_t seed = 1;
};

/// The options of this preset: sizes, optimizer and length of training that fit each other. Throws Error
/// naming the presets for another name.
GenerateOptions generate_preset(std::string_view name);

struct GeneratePreset {
  std::string name, purpose;
};
/// Every preset, the default first.
const std::vector<GeneratePreset>& generate_presets();

/// Throws Error naming the option, what was found and what is accepted.
void validate(const GenerateOptions& options);

/// What a model was trained on.
struct TextFacts {
  std::string path;
  std::uint64_t checksum = 0;
  std::int64_t bytes = 0, characters = 0, tokens = 0;
  std::int64_t validation_tokens = 0, validation_characters = 0;  ///< of the last 10 %
};

/// What training led to.
struct GenerateResults {
  std::string ended;  ///< "steps", "minutes", "early stopping", "interrupted"
  std::int64_t step = 0;
  double seconds = 0;
  /// Of the weights in model.safetensors, over the whole validation part: nats a token; empty before the
  /// first evaluation.
  std::optional<double> validation_loss;
  std::int64_t best_step = 0;
};

/// The content of config.json in a model folder of this task.
struct GenerateConfig {
  model::GptConfig model;
  std::string tokenizer;                    ///< kind
  std::optional<GenerateOptions> training;  ///< absent in a folder that was not made by training
  std::optional<TextFacts> data;
  std::optional<GenerateResults> results;
};

/// Reads config.json. Throws Error naming the file when it is missing, no JSON, of another task or a newer
/// format, or has an unknown key or a value out of range.
GenerateConfig read_generate_config(const std::filesystem::path& folder);

struct GenerateJob {
  std::filesystem::path data;  ///< may be empty when a training is resumed: the path it began with
  std::filesystem::path out;   ///< the model folder
  GenerateOptions options;
  bool resume = false;     ///< go on where the training in `out` was stopped; starts it when there is none
  bool overwrite = false;  ///< replace a model that `out` holds
  std::string command;     ///< for the model card
  train::Observer* observer = nullptr;
  const std::atomic<bool>* stop = nullptr;  ///< becomes true: save and return
};

/// Trains, and leaves a model folder:
///
///     config.json          task, model, tokenizer, data, options, results
///     model.safetensors    the weights with the lowest validation loss
///     tokenizer.json or tokenizer.model
///     training/            what a resume needs
///     metrics.jsonl, events.out.tfevents.attend
///     README.md            the model card, written when training ends
///
/// The validation loss is over all of the last 10 % of the text, without dropout. Throws Error when the data
/// or the options do not fit, when `out` holds a model or other files (and neither `resume` nor `overwrite`
/// allows it), when a resumed training was begun with other options or another text, and as
/// train::run_training does. Nothing in `out` is touched before data and options are found to be good.
GenerateConfig train_generate(const GenerateJob& job);

}  // namespace attend::task
