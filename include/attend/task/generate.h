#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attend/data/tokenizer.h"
#include "attend/model/gpt_config.h"
#include "attend/task/text_facts.h"
#include "attend/task/training.h"

/// The task "generate": a GPT decoder learns to go on with a text.
namespace attend::task {

/// Everything that decides what is learnt. The defaults are those of the preset "book"; a batch is a number
/// of windows of `model.context` tokens.
struct GenerateOptions : TrainingOptions {
  std::string preset = "book";  ///< where the values came from; changes nothing of its own
  model::GptConfig model;       ///< its `vocabulary` comes from the tokenizer
  data::TokenizerOptions tokenizer;
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

/// The content of config.json in a model folder of this task.
struct GenerateConfig {
  model::GptConfig model;
  std::string tokenizer;                    ///< kind
  std::optional<GenerateOptions> training;  ///< absent in a folder that was not made by training
  std::optional<TextFacts> data;
  std::optional<TrainingResults> results;
};

/// Reads config.json. Throws Error naming the file when it is missing, no JSON, of another task or a newer
/// format, or has an unknown key or a value out of range.
GenerateConfig read_generate_config(const std::filesystem::path& folder);

struct GenerateJob : TrainingPlace {
  std::filesystem::path data;  ///< may be empty when a training is resumed: the path it began with
  GenerateOptions options;
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
