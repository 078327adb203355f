#pragma once

#include <cstdint>

#include "attend/tensor/tensor.h"

namespace attend::op {

/// The cell of a recurrent layer, s the logistic function, (x_a ...) the parts of the input and (p_a ...)
/// those of W h + b, h the state before, in this order.
enum class RecurrentCell : std::uint8_t {
  /// Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", 2014, with the reset gate after
  /// the product: r = s(x_r + p_r), z = s(x_z + p_z), n = tanh(x_n + r p_n), h' = (1 - z) n + z h.
  gru,
  /// Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997, with the forget gate of Gers et al., 2000:
  /// i = s(x_i + p_i), f = s(x_f + p_f), g = tanh(x_g + p_g), o = s(x_o + p_o), c' = f c + i g,
  /// h' = o tanh(c').
  lstm,
};

/// Parts of the input for each hidden unit: 3 or 4.
std::int64_t gates_of(RecurrentCell cell);

/// What a recurrent layer remembers between two tokens of each row.
struct RecurrentState {
  Tensor hidden;     ///< h [batch, width], of the input's dtype
  Tensor cell = {};  ///< lstm: c [batch, width], f32 (f64 beside f64)
};

struct RecurrentOptions {
  /// From the last token to the first.
  bool reverse = false;
  /// Real tokens of each row, i32 [batch]; undefined: all. Padding behind them leaves the state as it is.
  Tensor lengths = {};
};

struct RecurrentResult {
  Tensor outputs;       ///< h after each token, [length, batch, width]
  RecurrentState last;  ///< after the last token in the direction of reading
};

/// A recurrent layer over whole sequences.
///
/// input: [length, batch, gates width], what the cell gets of each token, projected already (one product for
/// all tokens, with its bias); f32, bf16 (products in bf16, sums and c in f32) or f64. weight W: [gates
/// width, width], of the input's dtype, or f32 master weights beside bf16. bias b: [gates width], f32 (f64
/// beside f64), or undefined. A state before that is undefined is zeros. The order of gates and the meaning
/// of W and b are PyTorch's, so that its weights may be loaded. Same bits for any number of threads. Throws
/// Error when shapes or dtypes do not fit, or a length is outside [0, length].
///
/// Each step is one product by oneDNN and one pass of a kernel over all gates. oneDNN's own recurrent
/// primitives are not used: those of 2.6 have no lengths of rows, no gradient of the state in bf16 with f32
/// weights, and want the weights in a layout of their own, packed again after each update.
RecurrentResult recurrent(RecurrentCell cell, const Tensor& input, const Tensor& weight, const Tensor& bias,
                          const RecurrentState& before = {}, const RecurrentOptions& options = {});

}  // namespace attend::op
