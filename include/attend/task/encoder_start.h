#pragma once

#include <filesystem>
#include <string>

#include "attend/data/tokenizer.h"
#include "attend/model/encoder_config.h"

/// What the encoder of a task starts with instead of random weights.
namespace attend::task {

struct EncoderStart {
  /// A model folder of any task with an encoder: its tokenizer, the shape of its encoder and the encoder's
  /// weights are taken. Empty: none.
  std::string init = {};
  /// A file of word vectors (data::WordVectorReader): the embeddings of tokens that are words start as these.
  /// Empty: none.
  std::string word_vectors = {};
};

/// The encoder in a model folder.
struct StartingEncoder {
  model::EncoderConfig config = {};
  data::TokenizerOptions tokenizer = {};  ///< what its tokenizer was asked to be
};

/// Throws Error naming the folder when it holds no model, or one of a task that has no encoder.
StartingEncoder read_starting_encoder(const std::filesystem::path& folder);

/// Sets `start.init`, `model` and `tokenizer` of a task's options; `model.dropout`, which belongs to the
/// training, and `model.segments`, which belong to the task, stay. Throws Error as read_starting_encoder
/// does.
template <class Options>
void start_from(Options& options, const std::filesystem::path& folder) {
  const StartingEncoder encoder = read_starting_encoder(folder);
  model::EncoderConfig model = encoder.config;
  model.dropout = options.model.dropout;
  model.segments = options.model.segments;
  options.start.init = folder.string();
  options.model = model;
  options.tokenizer = encoder.tokenizer;
}

}  // namespace attend::task
