#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attend/data/tagged.h"
#include "attend/data/tokenizer.h"
#include "attend/model/sequence_tagger.h"
#include "attend/task/encoder_start.h"
#include "attend/task/training.h"

/// The task "tag": an encoder learns to give every word of a sentence a tag: parts of speech, names.
namespace attend::task {

/// Everything that decides what is learnt. The defaults are those of the preset "small"; a batch is a number
/// of sentences, and nothing is smoothed: `label_smoothing` must be 0.
struct TagOptions : TrainingOptions {
  std::string preset = "small";  ///< where the values came from; changes nothing of its own
  model::EncoderConfig model;    ///< its `vocabulary` comes from the tokenizer
  /// "crf": a conditional random field over the tags of a sentence; "softmax": each word for itself.
  std::string head = "crf";
  data::TokenizerOptions tokenizer = {.kind = "unigram", .vocabulary = 4000};
  /// Filters of a convolution over the characters of each word (nn::CharacterCnn); 0: none.
  std::int64_t char_cnn = 0;
  EncoderStart start = {};
  /// How the data is written: "conll", "conllu", "iob2" (numbered lines), or "auto", by the file's name.
  std::string format = "auto";
  std::int64_t tag_column = 0;  ///< as data::TaggedOptions has it; 0: the format's own
  bool skip_bad = false;        ///< count and skip bad records instead of ending at the first
  double token_dropout = 0.1;   ///< part of the tokens that are hidden in training
  /// What weights are chosen by on the validation sentences: "f1" of spans, "accuracy", "loss", or "auto": f1
  /// where tags mark spans, else accuracy.
  std::string monitor = "auto";
};

/// The options of this preset: sizes, optimizer and length of training that fit each other. Throws Error
/// naming the presets for another name.
TagOptions tag_preset(std::string_view name);

struct TagPreset {
  std::string name, purpose;
};
/// Every preset, the default first.
const std::vector<TagPreset>& tag_presets();

/// Throws Error naming the option, what was found and what is accepted.
void validate(const TagOptions& options);

/// How a file of tagged sentences is read: by `format`, or for "auto" *.conllu as CoNLL-U, *.iob2 with
/// numbered lines, and all else as the CoNLL shared tasks have it.
data::TaggedOptions tagged_options(const std::filesystem::path& path, const std::string& format,
                                   std::int64_t tag_column, const data::ReadOptions& read);

/// What a model was trained on.
struct TagFacts {
  std::string path = {};
  std::string validation_path = {};  ///< empty: the last 10 % of the sentences
  std::uint64_t checksum = 0;
  std::int64_t sentences = 0, validation_sentences = 0;
  std::int64_t words = 0, tokens = 0;  ///< of the sentences to learn from
  std::int64_t skipped = 0;            ///< bad records
};

/// How well the weights in model.safetensors tag the validation sentences.
struct TagScores {
  double accuracy = 0;  ///< the share of words with the right tag
  double span_f1 = 0;   ///< of tags that mark spans; otherwise 0
};

/// The content of config.json in a model folder of this task.
struct TagConfig {
  model::SequenceTaggerConfig model;
  std::string tokenizer;               ///< kind
  std::vector<std::string> tags;       ///< class i is tags[i], in the order of their bytes
  std::string characters;              ///< that a convolution over them knows, in the order of their numbers
  std::optional<TagOptions> training;  ///< absent in a folder that was not made by training
  std::optional<TagFacts> data;
  std::optional<TrainingResults> results;
  std::optional<TagScores> scores;  ///< absent before the first evaluation
};

/// Reads config.json. Throws Error naming the file when it is missing, no JSON, of another task or a newer
/// format, or has an unknown key or a value out of range.
TagConfig read_tag_config(const std::filesystem::path& folder);

struct TagJob : TrainingPlace {
  std::filesystem::path data;        ///< may be empty when a training is resumed: the path it began with
  std::filesystem::path validation;  ///< empty: the last 10 % of `data`
  TagOptions options;
};

/// Trains, and leaves a model folder: config.json, model.safetensors (the weights that did best by
/// `monitor`), the tokenizer, training/ (what a resume needs), metrics.jsonl, events.out.tfevents.attend, and
/// README.md, the model card.
///
/// Throws Error when the data or the options do not fit, when a tag of the validation sentences stands
/// nowhere in the others, when `out` holds a model or other files (and neither `resume` nor `overwrite`
/// allows it), when a resumed training was begun with other options or other sentences, and as
/// train::run_training does. Nothing in `out` is touched before data and options are found to be good.
TagConfig train_tag(const TagJob& job);

}  // namespace attend::task
