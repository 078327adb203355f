#pragma once

#include <memory>

#include "attend/data/tokenizer.h"
#include "attend/nn/module.h"
#include "attend/task/encoder_start.h"
#include "attend/task/training.h"

namespace attend::task {

/// Brings the start of a task's training about.
class EncoderStarter {
 public:
  /// A training that has a checkpoint (`begun`, in `place`) has started already: nothing is read or checked
  /// then. Throws Error unless the encoder to start from is as `config` (but for vocabulary, dropout and
  /// segments) and `tokenizer` say.
  EncoderStarter(const EncoderStart& start, const TrainingPlace& place, bool begun,
                 const model::EncoderConfig& config, const data::TokenizerOptions& tokenizer);

  /// The tokenizer to start with; null when there is none to be taken.
  std::unique_ptr<data::Tokenizer> tokenizer() const;

  /// Puts the weights of the encoder into the parameters "encoder.*" of a task's model (the table of segments
  /// starts anew where their number differs), or the vectors of words into its table of embeddings, and says
  /// how many. Throws Error naming the file when they do not
  /// fit, and when no token is a word that has a vector.
  void load(nn::Module& model, const data::Tokenizer& tokenizer, bool skip_bad = false) const;

 private:
  void load_word_vectors(const Tensor& table, const data::Tokenizer& tokenizer, bool skip_bad) const;

  EncoderStart start_;
  const TrainingPlace& place_;
  bool needed_;
  bool keeps_segments_ = true;  // as many as the encoder to start from has
};

}  // namespace attend::task
