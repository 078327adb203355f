#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "attend/nn/linear.h"
#include "attend/nn/norm.h"
#include "attend/nn/run.h"

/// What stands on an encoder: small layers that make answers of features.
namespace attend::nn {

struct HeadOptions {
  double dropout = 0;  ///< of the features, in training
  double initialisation_std = 0.02;
};

/// One linear layer for each question about a sequence: "0", "1" ... [classes_i, dim] on pooled features that
/// they share, and share one draw of dropout of.
class SequenceHeads : public Module {
 public:
  /// Throws Error without classes, or when any of them is below 1.
  SequenceHeads(std::int64_t dim, const std::vector<std::int64_t>& classes, const HeadOptions& options,
                Generator& random);

  /// x [batch, dim] to the logits of each question, [batch, classes_i].
  std::vector<Tensor> forward(const Tensor& x, const Run& run = {}) const;

 private:
  double dropout_;
  std::vector<std::unique_ptr<Linear>> layers_;
};

/// A class for each token: "linear" [classes, dim].
class TokenHead : public Module {
 public:
  TokenHead(std::int64_t dim, std::int64_t classes, const HeadOptions& options, Generator& random);

  /// x [batch, length, dim] to logits [batch, length, classes].
  Tensor forward(const Tensor& x, const Run& run = {}) const;

 private:
  double dropout_;
  Linear linear_;
};

/// Where a span starts and ends (Devlin et al., "BERT", 2019, section 4.2): "linear" [2, dim].
class SpanHead : public Module {
 public:
  SpanHead(std::int64_t dim, const HeadOptions& options, Generator& random);

  /// Logits of each token, [batch, length]; -infinity at padding.
  struct Logits {
    Tensor start, end;
  };
  /// x [batch, length, dim]; lengths: i32 [batch], the real tokens of each row; undefined: all.
  Logits forward(const Tensor& x, const Tensor& lengths = {}, const Run& run = {}) const;

 private:
  double dropout_;
  Linear linear_;
};

/// Tells tokens that were hidden (Devlin et al., "BERT", 2019, section 3.1): z = norm(gelu(W x + b)) with
/// "dense" [dim, dim] and "norm"; logits z E^T by the table E of token embeddings, which belongs to the
/// encoder.
class MaskedTokenHead : public Module {
 public:
  MaskedTokenHead(std::int64_t dim, NormKind norm, const NormOptions& norm_options,
                  const HeadOptions& options, Generator& random);

  /// x [..., dim], embeddings [vocabulary, dim] to logits [..., vocabulary].
  Tensor logits(const Tensor& x, const Tensor& embeddings) const;

  /// Mean cross entropy of the targets that are not `ignored`, 0 when there are none: x [batch, length, dim],
  /// targets [batch, length], i32 or i64. Only the places with targets are computed with.
  Tensor loss(const Tensor& x, const Tensor& targets, const Tensor& embeddings,
              std::int64_t ignored = -1) const;

 private:
  Tensor transformed(const Tensor& x) const;

  Linear dense_;
  std::unique_ptr<Norm> norm_;
};

}  // namespace attend::nn
