#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attend/data/tokenizer.h"
#include "attend/model/sentence_encoder.h"
#include "attend/task/encoder_start.h"
#include "attend/task/pairs.h"
#include "attend/task/training.h"

/// The task "search": an encoder learns to put texts that belong together close to each other, from pairs of
/// a query and a text that answers it.
namespace attend::task {

/// Everything that decides what is learnt. The defaults are those of the preset "small"; a batch is a number
/// of pairs, each of which has all others as negatives, and nothing is smoothed: `label_smoothing` must be 0.
struct SearchOptions : TrainingOptions {
  std::string preset = "small";  ///< where the values came from; changes nothing of its own
  model::EncoderConfig model;    ///< its `vocabulary` comes from the tokenizer
  std::string pooling = "mean";  ///< see nn::pooling_from_name
  data::TokenizerOptions tokenizer = {.kind = "unigram", .vocabulary = 16000};
  EncoderStart start = {};
  double temperature = 0.05;    ///< see op::ContrastiveOptions
  double token_dropout = 0.05;  ///< part of the tokens that are hidden in training
};

/// The options of this preset: sizes, optimizer and length of training that fit each other. Throws Error
/// naming the presets for another name.
SearchOptions search_preset(std::string_view name);

struct SearchPreset {
  std::string name, purpose;
};
/// Every preset, the default first.
const std::vector<SearchPreset>& search_presets();

/// Throws Error naming the option, what was found and what is accepted.
void validate(const SearchOptions& options);

/// How well queries find their texts among candidates; each in [0, 1].
struct SearchScores {
  double recall_1 = 0, recall_10 = 0;
  double mean_reciprocal_rank = 0, ndcg_10 = 0;
  std::int64_t queries = 0;
  std::int64_t candidates = 0;  ///< texts that each query chose from
};

/// The content of config.json in a model folder of this task.
struct SearchConfig {
  model::SentenceEncoderConfig model;
  std::string tokenizer;                  ///< kind
  std::optional<SearchOptions> training;  ///< absent in a folder that was not made by training
  std::optional<PairFacts> data;
  std::optional<TrainingResults> results;
  std::optional<SearchScores> scores;  ///< on the held-out pairs; absent before the first evaluation
};

/// Reads config.json. Throws Error naming the file when it is missing, no JSON, of another task or a newer
/// format, or has an unknown key or a value out of range.
SearchConfig read_search_config(const std::filesystem::path& folder);

struct SearchJob : TrainingPlace {
  PairFiles data;   ///< may be empty when a training is resumed: what it began with
  PairFiles valid;  ///< held-out pairs; empty: the last 10 % of `data`, at most 2000
  SearchOptions options;
};

/// Trains, and leaves a model folder as train_generate does; the kept weights are those with the lowest loss
/// on the held-out pairs. The files are read twice, record by record, and never wholly in memory; the
/// beginning of texts beyond the context is read. Throws Error as train_generate, and for bad records.
SearchConfig train_search(const SearchJob& job);

}  // namespace attend::task
