#pragma once

#include "attend/decode/beam_search.h"
#include "attend/model/encoder_decoder.h"

namespace attend::decode {

/// Which cross-attention becomes Step::attention.
struct AttentionChoice {
  std::int64_t layer = -1;  ///< of the decoder; negative ones count from the last
  std::int64_t head = -1;   ///< -1: the mean of all
};

/// Steps of a writer, for beam_search(): it gets one row for each row of the writer. Attention is told when a
/// choice is given. run.observer is told too, row by row, of every step. The model of the writer, of this
/// configuration, must outlive the function. Throws Error for a layer or head that there is not.
StepFunction steps_of(std::unique_ptr<model::Writer> writer, const model::EncoderDecoderConfig& config,
                      const std::optional<AttentionChoice>& attention = {}, const nn::Run& run = {});

struct Seq2SeqSearch {
  BeamOptions beam = {};
  /// Fills Hypothesis::attention, from this choice; a coverage penalty asks for it anyway.
  std::optional<AttentionChoice> attention = {};
  nn::Run run = {};
};

/// Reads sources (as model::EncoderDecoder says) and writes the best hypotheses of each. No hypothesis has
/// more tokens than the model's context has room for beside the start.
///
///     const auto found = decode::beam_search(model, source, lengths, {.beam = {.start = 1, .end = 2}});
///     found[0][0].tokens;      // the best hypothesis of source 0
std::vector<std::vector<Hypothesis>> beam_search(const model::EncoderDecoder& model, const Tensor& source,
                                                 const Tensor& source_lengths, const Seq2SeqSearch& search);

}  // namespace attend::decode
