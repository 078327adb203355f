#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attend/data/tokenizer.h"
#include "attend/model/encoder_config.h"
#include "attend/task/encoder_start.h"
#include "attend/task/text_facts.h"
#include "attend/task/training.h"

/// The task "pretrain": an encoder learns to tell words that are hidden in a text from those around them, so
/// that other tasks may start from it (Devlin et al., "BERT", 2019).
namespace attend::task {

/// Everything that decides what is learnt. The defaults are those of the preset "small"; a batch is a number
/// of rows of `model.context` tokens, and nothing is smoothed: `label_smoothing` must be 0.
struct PretrainOptions : TrainingOptions {
  std::string preset = "small";  ///< where the values came from; changes nothing of its own
  model::EncoderConfig model;    ///< its `vocabulary` comes from the tokenizer
  data::TokenizerOptions tokenizer = {.kind = "unigram", .vocabulary = 8000};
  EncoderStart start = {};
  double mask_share = 0.15;  ///< of the tokens, to be told: data::MaskOptions
  bool mask_words = true;    ///< all tokens of a word are hidden together
};

/// The options of this preset: sizes, optimizer and length of training that fit each other. Throws Error
/// naming the presets for another name.
PretrainOptions pretrain_preset(std::string_view name);

struct PretrainPreset {
  std::string name, purpose;
};
/// Every preset, the default first.
const std::vector<PretrainPreset>& pretrain_presets();

/// Throws Error naming the option, what was found and what is accepted.
void validate(const PretrainOptions& options);

/// The content of config.json in a model folder of this task.
struct PretrainConfig {
  model::EncoderConfig model;
  std::string tokenizer;                    ///< kind
  std::optional<PretrainOptions> training;  ///< absent in a folder that was not made by training
  std::optional<TextFacts> data;
  std::optional<TrainingResults> results;
};

/// Reads config.json. Throws Error naming the file when it is missing, no JSON, of another task or a newer
/// format, or has an unknown key or a value out of range.
PretrainConfig read_pretrain_config(const std::filesystem::path& folder);

struct PretrainJob : TrainingPlace {
  std::filesystem::path data;  ///< may be empty when a training is resumed: the path it began with
  PretrainOptions options;
};

/// Trains, and leaves a model folder: config.json, model.safetensors (the weights with the lowest validation
/// loss), the tokenizer, training/ (what a resume needs), metrics.jsonl, events.out.tfevents.attend, and
/// README.md, the model card.
///
/// The validation loss is that of the hidden tokens in the last 10 % of the text, or of rows taken evenly
/// from there when that is more than 131,072 tokens; the same tokens are hidden each time. Throws Error when
/// the data or the options do not fit, when `out` holds a model or other files (and neither `resume` nor
/// `overwrite` allows it), when a resumed training was begun with other options or another text, and as
/// train::run_training does. Nothing in `out` is touched before data and options are found to be good.
PretrainConfig train_pretrain(const PretrainJob& job);

}  // namespace attend::task
