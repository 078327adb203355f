#pragma once

#include <cstdint>

#include "attend/base/random.h"
#include "attend/nn/embedding.h"
#include "attend/nn/linear.h"
#include "attend/nn/module.h"

namespace attend::nn {

/// What words are by their characters (Ma and Hovy, "End-to-end Sequence Labeling via Bi-directional
/// LSTM-CNNs-CRF", 2016, section 2.1): y[n, f] = max over t < lengths[n] of bias[f] + sum over j < width of
/// weight[f, j, :] . e[n, t + j - width / 2], where e[n, t] = table[characters[n, t]] inside a word and 0
/// outside.
///
/// table: [count, dim]; weight: [filters, width dim], the features of the first character of a window first;
/// bias: [filters]; characters: i32 or i64 [words, length], in [0, count) inside a word; lengths: i32 or i64
/// [words], from 1 to length. Result [words, filters] of the compute dtype (a table that is not f32 decides
/// itself). Throws Error for shapes that do not fit and values out of range.
Tensor character_convolution(const Tensor& table, const Tensor& weight, const Tensor& bias,
                             const Tensor& characters, const Tensor& lengths, DType compute = DType::f32);

struct CharacterCnnOptions {
  std::int64_t count = 128;   ///< different characters
  std::int64_t dim = 32;      ///< features of a character
  std::int64_t filters = 64;  ///< features of a word
  std::int64_t width = 3;     ///< characters that a filter sees at once; odd
};

/// character_convolution() with parameters of its own: "embedding" [count, dim] and "convolution" [filters,
/// width dim].
class CharacterCnn : public Module {
 public:
  /// Throws Error for sizes below 1 and an even width.
  CharacterCnn(const CharacterCnnOptions& options, Generator& random);

  Tensor forward(const Tensor& characters, const Tensor& lengths, DType compute = DType::f32) const;

 private:
  Embedding embedding_;
  Linear convolution_;
};

}  // namespace attend::nn
