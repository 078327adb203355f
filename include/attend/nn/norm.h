#pragma once

#include <memory>

#include "attend/nn/module.h"

namespace attend::nn {

enum class NormKind {
  layer,  ///< Ba, Kiros and Hinton, "Layer Normalization", 2016
  rms,    ///< Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019
};

struct NormOptions {
  double epsilon = 1e-5;
  bool bias = true;  ///< layer norm only
};

/// A residual stream [..., dim] whose last branch has not been added yet: its value is sum + branch. The norm
/// that comes next adds it, so that the stream is read and written once. An undefined branch is zero.
struct Residual {
  Tensor sum, branch;
};

/// Normalises the last axis.
class Norm : public Module {
 public:
  /// x [..., dim] to [..., dim].
  virtual Tensor forward(const Tensor& x) const = 0;
  /// Adds the branch to the stream, which has none afterwards, and returns the norm of it.
  virtual Tensor forward(Residual& x) const = 0;
};

/// y = (x - mean) / sqrt(variance + epsilon) * weight + bias.
class LayerNorm : public Norm {
 public:
  /// Throws Error for dim below 1.
  explicit LayerNorm(std::int64_t dim, const NormOptions& options = {});
  Tensor forward(const Tensor& x) const override;
  Tensor forward(Residual& x) const override;

 private:
  double epsilon_;
  Tensor weight_, bias_;
};

/// y = x / sqrt(mean(x^2) + epsilon) * weight.
class RmsNorm : public Norm {
 public:
  /// Throws Error for dim below 1.
  explicit RmsNorm(std::int64_t dim, const NormOptions& options = {});
  Tensor forward(const Tensor& x) const override;
  Tensor forward(Residual& x) const override;

 private:
  double epsilon_;
  Tensor weight_;
};

std::unique_ptr<Norm> make_norm(NormKind kind, std::int64_t dim, const NormOptions& options = {});

}  // namespace attend::nn
