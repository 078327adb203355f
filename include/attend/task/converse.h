#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "attend/task/pairs.h"
#include "attend/task/search.h"
#include "attend/task/text_to_text.h"

/// The task "converse": an agent that replies to questions by the answers it knows, and by the paragraphs of
/// documents. Retrieval first: a model of the task "search" that learns from pairs of a question and its
/// answer; and, on demand, an encoder-decoder that learns to write answers from the same pairs.
namespace attend::task {

/// The content of config.json in a model folder of this task. The folder holds search/, a model folder of the
/// task "search"; answers.index, every different answer; documents.index, the paragraphs of the documents,
/// if there are any; and generator/, a model folder that writes answers, if one was trained.
struct ConverseConfig {
  std::int64_t answers = 0;                ///< different answers of the pairs
  std::int64_t paragraphs = 0;             ///< of the documents
  std::string documents;                   ///< where they were; empty: there are none
  bool generates = false;                  ///< there is a generator
  std::optional<TrainingResults> results;  ///< of the search
};

/// Reads config.json. Throws Error naming the file when it is missing, no JSON, of another task or a newer
/// format, or has an unknown key or a value out of range.
ConverseConfig read_converse_config(const std::filesystem::path& folder);

struct ConverseJob : TrainingPlace {
  PairFiles data;                   ///< questions and answers; may be empty when a training is resumed
  PairFiles valid;                  ///< held-out pairs; empty: the last 10 % of `data`, at most 2000
  std::filesystem::path documents;  ///< a text file, or a folder of *.txt, *.text and *.md; empty: none
  SearchOptions search;
  bool generate = false;  ///< train a generator, too
  TextToTextOptions generator;
};

/// Trains, and leaves a model folder; config.json is written last. As train_search and train_text_to_text,
/// one after the other, throw and resume.
ConverseConfig train_converse(const ConverseJob& job);

}  // namespace attend::task
