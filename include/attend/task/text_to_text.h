#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attend/data/tokenizer.h"
#include "attend/model/encoder_decoder_config.h"
#include "attend/task/pairs.h"
#include "attend/task/training.h"

/// Tasks that make a text of a text, by an encoder-decoder, a transformer or a recurrent one: "translate" and
/// "summarize".
namespace attend::task {

/// Everything that decides what is learnt. A batch is a number of tokens: padding included, each side of a
/// batch has at most so many.
struct TextToTextOptions : TrainingOptions {
  std::string preset = "tiny";  ///< where the values came from; changes nothing of its own
  /// Its vocabularies come from the tokenizer. With `shared_vocabulary` one tokenizer serves both sides, else
  /// each side has one of its own.
  model::EncoderDecoderConfig model;
  data::TokenizerOptions tokenizer = {.kind = "bpe", .vocabulary = 8000};
};

/// The options of this preset for a kind of model. Throws Error naming the presets for another name.
TextToTextOptions text_to_text_preset(
    std::string_view name, model::EncoderDecoderKind kind = model::EncoderDecoderKind::transformer);

struct TextToTextPreset {
  std::string name, purpose;
};
/// Every preset, the default first.
const std::vector<TextToTextPreset>& text_to_text_presets();

/// Throws Error naming the option, what was found and what is accepted.
void validate(const TextToTextOptions& options);

/// The head that word alignments are taken from: the one of the decoder's attention to the source that on
/// held-out pairs looked most often at what target and source have in common (names, numbers, punctuation)
/// when it was written.
struct AlignmentHead {
  std::int64_t layer = 0, head = 0;  ///< layers of the decoder
  double agreement = 0;              ///< the share of such pieces that it looked at most
  double sharpness = 0;              ///< its largest weight, on average over all pieces
};

/// The content of config.json in a model folder of such a task.
struct TextToTextConfig {
  std::string task;  ///< "translate" or "summarize"
  model::EncoderDecoderConfig model;
  std::string tokenizer;                      ///< kind
  std::optional<TextToTextOptions> training;  ///< absent in a folder that was not made by training
  std::optional<PairFacts> data;
  std::optional<TrainingResults> results;
  std::optional<AlignmentHead> alignment;  ///< found when training ends
};

/// Reads config.json. Throws Error naming the file when it is missing, no JSON, of another task or a newer
/// format, or has an unknown key or a value out of range.
TextToTextConfig read_text_to_text_config(const std::filesystem::path& folder);

struct TextToTextJob : TrainingPlace {
  std::string task = "translate";
  PairFiles data;   ///< may be empty when a training is resumed: what it began with
  PairFiles valid;  ///< held-out pairs; empty: the last 10 % of `data`, at most 2000
  TextToTextOptions options;
};

/// Trains, and leaves a model folder as train_generate does; the kept weights are those with the lowest loss
/// on the held-out pairs. The files are read twice, record by record, and never wholly in memory. Throws
/// Error as train_generate, and for bad records.
TextToTextConfig train_text_to_text(const TextToTextJob& job);

}  // namespace attend::task
