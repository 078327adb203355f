#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attend/data/label_set.h"
#include "attend/data/tokenizer.h"
#include "attend/model/sequence_classifier.h"
#include "attend/task/encoder_start.h"
#include "attend/task/training.h"

/// The task "classify": an encoder learns to answer one or several questions about a text, each by one of
/// several labels.
namespace attend::task {

/// Everything that decides what is learnt. The defaults are those of the preset "small"; a batch is a number
/// of texts.
struct ClassifyOptions : TrainingOptions {
  std::string preset = "small";       ///< where the values came from; changes nothing of its own
  model::EncoderConfig model;         ///< its `vocabulary` comes from the tokenizer
  std::string pooling = "attention";  ///< see nn::pooling_from_name
  /// Read texts also as bags of words (nn::BagOfWords), with hidden tokens too: more accurate where there are
  /// few texts to learn from.
  bool bag_of_words = false;
  data::TokenizerOptions tokenizer = {.kind = "unigram", .vocabulary = 8000};
  EncoderStart start = {};
  /// Columns of the data: see data::LabelledTextOptions.
  std::string text = "text";
  std::vector<std::string> labels = {"label"};
  bool header = true;
  bool skip_bad = false;       ///< count and skip bad records instead of ending at the first
  double token_dropout = 0.1;  ///< part of the tokens that are hidden in training
  /// What weights are chosen by on the validation texts: "accuracy" or "macro-f1", the mean over the columns,
  /// or "loss".
  std::string monitor = "accuracy";
};

/// The options of this preset: sizes, optimizer and length of training that fit each other. Throws Error
/// naming the presets for another name.
ClassifyOptions classify_preset(std::string_view name);

struct ClassifyPreset {
  std::string name, purpose;
};
/// Every preset, the default first.
const std::vector<ClassifyPreset>& classify_presets();

/// Throws Error naming the option, what was found and what is accepted.
void validate(const ClassifyOptions& options);

/// What a model was trained on.
struct ClassifyFacts {
  std::string path;
  std::string validation_path;  ///< empty: the last 10 % of the texts
  std::uint64_t checksum = 0;
  std::int64_t texts = 0, validation_texts = 0;
  std::int64_t tokens = 0;   ///< of the texts to learn from
  std::int64_t cut = 0;      ///< texts longer than the context, of which the beginning is read
  std::int64_t skipped = 0;  ///< bad records
};

/// How well the weights in model.safetensors tell one column of the validation texts.
struct ColumnScore {
  double accuracy = 0, macro_f1 = 0;
};

/// The content of config.json in a model folder of this task.
struct ClassifyConfig {
  model::SequenceClassifierConfig model;
  std::string tokenizer;                    ///< kind
  std::vector<data::LabelSet> columns;      ///< the questions
  std::optional<ClassifyOptions> training;  ///< absent in a folder that was not made by training
  std::optional<ClassifyFacts> data;
  std::optional<TrainingResults> results;
  std::vector<ColumnScore> scores;  ///< of the columns; empty before the first evaluation
};

/// Reads config.json. Throws Error naming the file when it is missing, no JSON, of another task or a newer
/// format, or has an unknown key or a value out of range.
ClassifyConfig read_classify_config(const std::filesystem::path& folder);

struct ClassifyJob : TrainingPlace {
  std::filesystem::path data;        ///< may be empty when a training is resumed: the path it began with
  std::filesystem::path validation;  ///< empty: the last 10 % of `data`
  ClassifyOptions options;
};

/// Trains, and leaves a model folder: config.json, model.safetensors (the weights that did best by
/// `monitor`), the tokenizer, training/ (what a resume needs), metrics.jsonl, events.out.tfevents.attend, and
/// README.md, the model card.
///
/// Throws Error when the data or the options do not fit, when a label of the validation texts stands nowhere
/// in the others, when `out` holds a model or other files (and neither `resume` nor `overwrite` allows it),
/// when a resumed training was begun with other options or other texts, and as train::run_training does.
/// Nothing in `out` is touched before data and options are found to be good.
ClassifyConfig train_classify(const ClassifyJob& job);

}  // namespace attend::task
