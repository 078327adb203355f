#pragma once

#include <memory>
#include <vector>

#include "attend/model/encoder_decoder.h"
#include "attend/model/rnn_seq2seq_config.h"
#include "attend/nn/embedding.h"
#include "attend/nn/global_attention.h"
#include "attend/nn/linear.h"
#include "attend/nn/recurrent.h"

namespace attend::model {

/// What the encoder of an RnnSeq2Seq has made of the sources.
struct RnnMemory {
  nn::GlobalAttention::Memory states;     ///< of its top layer
  Tensor lengths;                         ///< real tokens of each row, i32 [batch]; undefined: all
  std::vector<op::RecurrentState> start;  ///< what each layer of the decoder begins with
};

/// The classical encoder-decoder: a recurrent encoder of two directions, and a recurrent decoder that attends
/// to its states (Bahdanau et al., "Neural Machine Translation by Jointly Learning to Align and Translate",
/// 2015; Luong et al., "Effective Approaches to Attention-based Neural Machine Translation", 2015).
///
/// With e_t the embedding of target token t times sqrt(dim), s_t the state of the decoder's first layer after
/// it and c_t = attention(query, states of the encoder):
///
///     bahdanau   c_t of s_(t-1);    s_t = cell([e_t; c_t], s_(t-1));    f_t = tanh(W [h_t; c_t; e_t])
///     luong      s_t = cell(e_t, s_(t-1));    c_t of h_t;    f_t = tanh(W [h_t; c_t])
///
/// h_t is the state of the decoder's top layer, and the scores of the next token are E f_t with the output
/// embedding E. Layer i of the decoder begins with s_0 = tanh(V_i s), s the last states of both directions of
/// the encoder's top layer, and an lstm's cell with V'_i times their last cells.
///
/// Parameters: source_embedding.weight [source vocabulary, dim] and target_embedding.weight [target
/// vocabulary, dim], or embedding.weight when they are shared; encoder.I.{forward, backward}.{input,
/// recurrent}.{weight, bias}; start.I.{weight, bias} and start_cell.I.{weight, bias}; decoder.I.{input,
/// recurrent}.{weight, bias}; context.weight [gates hidden, hidden] (bahdanau: of c_t into the cell); what
/// the mechanism learns under attention; readout.{weight, bias} [dim, ...]; output_embedding.weight unless
/// tied. They are f32 at first; see nn::Run::compute and Module::cast_parameters for bf16.
///
/// An observer of a run is told of one layer, 0. Run::key_lengths and Run::recompute_blocks are not used.
class RnnSeq2Seq : public EncoderDecoder {
 public:
  /// Weights drawn from streams of the seed. Throws Error for a configuration that validate() rejects.
  explicit RnnSeq2Seq(const RnnSeq2SeqConfig& config, std::uint64_t seed = 0);

  const RnnSeq2SeqConfig& config() const { return config_; }
  EncoderDecoderConfig encoder_decoder_config() const override;

  /// Reads sources. Throws Error for a length above the context, a token outside the vocabulary, or lengths
  /// that do not fit.
  RnnMemory encode(const Tensor& source, const Tensor& source_lengths = {}, const nn::Run& run = {}) const;
  Tensor logits(const RnnMemory& memory, const Tensor& target, const nn::Run& run = {}) const;

  Tensor logits(const Tensor& source, const Tensor& source_lengths, const Tensor& target,
                const nn::Run& run) const override;
  Tensor loss(const Tensor& source, const Tensor& source_lengths, const Tensor& target, const Tensor& targets,
              const nn::Run& run = {}, const LossOptions& options = {}) const override;
  std::unique_ptr<Writer> writer(const Tensor& source, const Tensor& source_lengths, std::int64_t capacity,
                                 const nn::Run& run) const override;

 private:
  class RowWriter;
  struct Decoding;

  void make_embedding(std::unique_ptr<nn::Embedding>& embedding, const std::string& name, std::int64_t count,
                      Generator& random);
  const Tensor& output_weight() const;
  Tensor embed(const nn::Embedding& table, const Tensor& tokens, const nn::Run& run) const;
  Tensor dropped(const Tensor& x, const nn::Run& run) const;
  attention::Run attention_run(const Decoding& at, const nn::Run& run) const;
  Tensor look(const Tensor& states, const Decoding& at, const attention::Run& run) const;
  Tensor attentive_steps(const Tensor& embedded, Decoding& at, const nn::Run& run, Tensor& contexts) const;
  Tensor features(const Tensor& target, Decoding& at, const nn::Run& run) const;

  RnnSeq2SeqConfig config_;
  std::unique_ptr<nn::Embedding> source_embedding_, target_embedding_, output_embedding_;
  std::vector<std::unique_ptr<nn::BidirectionalRecurrent>> encoder_;
  std::vector<std::unique_ptr<nn::Linear>> start_, start_cell_;
  std::vector<std::unique_ptr<nn::Recurrent>> decoder_;
  std::unique_ptr<nn::Linear> context_;
  std::unique_ptr<nn::GlobalAttention> attention_;
  std::unique_ptr<nn::Linear> readout_;
  bool draws_ = false;  ///< its attention draws random numbers in training
};

}  // namespace attend::model
