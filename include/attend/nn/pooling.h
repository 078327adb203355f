#pragma once

#include <cstdint>
#include <string_view>

#include "attend/nn/module.h"

namespace attend::nn {

/// How the features of a sequence become those of one thing.
enum class PoolingKind : std::uint8_t {
  first,      ///< the first token's (Devlin et al., "BERT", 2019)
  mean,       ///< the mean of the real tokens
  attention,  ///< a weighted mean: softmax over the real tokens of x . query / sqrt(dim), with a learned
              ///< query
};

/// "first", "mean", "attention".
std::string_view name_of(PoolingKind kind);
/// The inverse of name_of. Throws Error naming the accepted names.
PoolingKind pooling_from_name(std::string_view name);

/// Makes one vector of each sequence. Padding changes no bit of the result, whatever stands there. Kind
/// attention has a parameter "query" [dim], which starts at zero: as the mean.
class Pooling : public Module {
 public:
  /// Throws Error for dim below 1.
  Pooling(PoolingKind kind, std::int64_t dim);

  /// x [batch, length, dim] to [batch, dim] of its dtype; sums are in f32 (f64). lengths: i32 [batch], the
  /// real tokens of each row; undefined: all. Throws Error when shapes do not fit or a length is not in [1,
  /// length].
  Tensor forward(const Tensor& x, const Tensor& lengths = {}) const;

  /// The part of each token in the result, [batch, length], f32 (f64); 0 at padding, rows sum to 1.
  Tensor weights(const Tensor& x, const Tensor& lengths = {}) const;

  PoolingKind kind() const { return kind_; }

 private:
  Tensor checked_mask(const Tensor& x, const Tensor& lengths) const;
  Tensor weights_of(const Tensor& x, const Tensor& real) const;

  PoolingKind kind_;
  std::int64_t dim_;
  Tensor query_;
};

}  // namespace attend::nn
