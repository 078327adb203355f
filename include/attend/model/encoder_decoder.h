#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "attend/model/encoder_decoder_config.h"
#include "attend/model/loss_options.h"
#include "attend/nn/module.h"
#include "attend/nn/run.h"

namespace attend::model {

/// Writes targets for some sources, token by token: row i of what it is given goes on with row i of before.
/// The model that made it must outlive it.
class Writer {
 public:
  virtual ~Writer() = default;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// At first one row for each source.
  virtual std::int64_t rows() const = 0;
  /// Takes tokens [rows, n] and gives the scores of the token after them: [rows, target vocabulary]. Off the
  /// tape, never in training.
  virtual Tensor next_logits(const Tensor& tokens, const nn::Run& run) = 0;
  /// Row i goes on with what row rows[i] was, source included; there may be more rows or fewer than before.
  /// Costs least when rows of one source stand together, as many for each, and when rows that go on stay
  /// where they are. Throws Error for no rows, or one that there is not.
  virtual void reorder(std::span<const std::int32_t> rows) = 0;

 protected:
  Writer() = default;
};

/// A model that reads one sequence of tokens and writes another, attending to what it read: what tasks and
/// searches know of it.
///
/// Sources are [batch, length], i32 or i64, with lengths i32 [batch] from 1 to length (undefined: all);
/// tokens behind them are padding, and what they are changes no bit of what follows.
class EncoderDecoder : public nn::Module {
 public:
  virtual EncoderDecoderConfig encoder_decoder_config() const = 0;

  /// The scores of the token after each token of the targets [batch, length]: [batch, length, target
  /// vocabulary], of the compute dtype.
  virtual Tensor logits(const Tensor& source, const Tensor& source_lengths, const Tensor& target,
                        const nn::Run& run) const = 0;

  /// Mean cross entropy of `targets` after `target` (both [batch, length]; usually target is a start token
  /// and all tokens but the end, targets all tokens with the end), a scalar. Padding of the targets is
  /// options.ignored_target. The logits of a large vocabulary are never all in memory.
  virtual Tensor loss(const Tensor& source, const Tensor& source_lengths, const Tensor& target,
                      const Tensor& targets, const nn::Run& run, const LossOptions& options) const = 0;

  /// Reads sources, to write targets of up to `capacity` tokens, the start included (0: the context).
  virtual std::unique_ptr<Writer> writer(const Tensor& source, const Tensor& source_lengths,
                                         std::int64_t capacity, const nn::Run& run) const = 0;
};

/// The model of a configuration, its weights drawn from streams of the seed. Throws Error for one that
/// validate() rejects.
std::unique_ptr<EncoderDecoder> make_encoder_decoder(const EncoderDecoderConfig& config,
                                                     std::uint64_t seed = 0);

}  // namespace attend::model
