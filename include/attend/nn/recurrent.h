#pragma once

#include "attend/nn/linear.h"
#include "attend/op/recurrent.h"

namespace attend::nn {

struct RecurrentOptions {
  op::RecurrentCell cell = op::RecurrentCell::gru;
  /// From the last token to the first.
  bool reverse = false;
};

/// A recurrent layer (attend/op/recurrent.h): a projection "input" [gates width, in] of all tokens at once,
/// and "recurrent" [gates width, width] of the state, each with a bias, as PyTorch has them. Weights start
/// normal with variance 1 / (3 width), biases at zero, but for the forget gate's, which is 1 (Jozefowicz et
/// al., "An Empirical Exploration of Recurrent Network Architectures", 2015).
class Recurrent : public Module {
 public:
  /// Throws Error for sizes below 1.
  Recurrent(std::int64_t in, std::int64_t width, const RecurrentOptions& options, Generator& random);

  std::int64_t width() const { return recurrent_.weight().dim(1); }

  /// x [length, batch, in] to the states after each token. lengths: i32 [batch], or undefined.
  op::RecurrentResult forward(const Tensor& x, const op::RecurrentState& before = {},
                              const Tensor& lengths = {}) const;
  /// In two parts, for those who add to what the cell gets: [..., gates width] of x [..., in], and the steps
  /// over that.
  Tensor project(const Tensor& x) const { return input_.forward(x); }
  op::RecurrentResult steps(const Tensor& projected, const op::RecurrentState& before = {},
                            const Tensor& lengths = {}) const;

 private:
  RecurrentOptions options_;
  Linear input_, recurrent_;
};

/// Two recurrent layers, "forward" and "backward", each with half of the width (Schuster and Paliwal,
/// "Bidirectional Recurrent Neural Networks", 1997): a state knows its whole sequence.
class BidirectionalRecurrent : public Module {
 public:
  /// Throws Error for an odd width, and sizes below 1.
  BidirectionalRecurrent(std::int64_t in, std::int64_t width, op::RecurrentCell cell, Generator& random);

  /// x [length, batch, in] to the states of both, side by side: [length, batch, width]; `last` holds the
  /// state of each where it ended.
  op::RecurrentResult forward(const Tensor& x, const Tensor& lengths = {}) const;

 private:
  Recurrent there_, back_;
};

}  // namespace attend::nn
