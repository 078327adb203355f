#include "attend/nn/bag_of_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <vector>

#include "attend/base/error.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
#include "attend/op/embedding.h"
#include "attend/op/matmul.h"
#include "attend/op/shape.h"

namespace attend::nn {

namespace {

constexpr double kScale = 50;

/// In f32, or f64 where the parameters are.
DType wide(const Tensor& parameter) {
  return parameter.dtype() == DType::f64 ? DType::f64 : DType::f32;
}

}  // namespace

BagOfWords::BagOfWords(std::int64_t words, std::int64_t classes) : words_(words), classes_(classes) {
  if (words < 1 || classes < 1)
    throw Error(fmt::format("bag of {} words for {} classes: at least 1 of each needed", words, classes));
  weight_ = Tensor::zeros({words, classes});
  bias_ = Tensor::zeros({classes});
  add_parameter("weight", weight_, true);
  add_parameter("bias", bias_, false);
}

BagOfWords::Counted BagOfWords::counted(const Tensor& tokens, const Tensor& lengths) const {
  if (tokens.rank() != 2 || tokens.elements() == 0 ||
      (lengths.defined() && (lengths.rank() != 1 || lengths.dim(0) != tokens.dim(0))))
    throw Error(fmt::format("bag of words of tokens {}, lengths {}: [batch, length] and [batch] needed",
                            tokens.text(), lengths.defined() ? lengths.text() : "undefined"));
  const auto batch = static_cast<std::size_t>(tokens.dim(0)),
             length = static_cast<std::size_t>(tokens.dim(1));
  const auto values = tokens.to_vector<std::int64_t>();
  const auto real =
      lengths.defined() ? lengths.to_vector<std::int64_t>() : std::vector<std::int64_t>(batch, tokens.dim(1));
  std::vector<std::int32_t> ids(values.size(), 0);
  std::vector<double> weights(values.size(), 0);
  std::unordered_map<std::int64_t, int> counts;
  for (std::size_t row = 0; row < batch; ++row) {
    const std::size_t begin = row * length,
                      end = begin +
                            std::min(length, static_cast<std::size_t>(std::max<std::int64_t>(0, real[row])));
    const auto is_word = [&](std::size_t i) { return values[i] >= 0 && values[i] < words_; };
    counts.clear();
    for (std::size_t i = begin; i < end; ++i)
      if (is_word(i)) ++counts[values[i]];
    // Summed in the order of the tokens, so that the bits depend on nothing but the row.
    double squares = 0;
    for (std::size_t i = begin; i < end; ++i) {
      if (!is_word(i)) continue;
      const double count = counts.at(values[i]);
      ids[i] = static_cast<std::int32_t>(values[i]);
      weights[i] = (1 + std::log(count)) / count;
      squares += weights[i] * weights[i] * count;
    }
    for (std::size_t i = begin; i < end; ++i)
      if (weights[i] > 0) weights[i] *= kScale / std::sqrt(squares);
  }
  return {.ids = Tensor::from(ids, tokens.shape()),
          .weights = op::cast(Tensor::from(weights, {tokens.dim(0), 1, tokens.dim(1)}), wide(bias_))};
}

Tensor BagOfWords::rows_of(const Tensor& ids) const {
  return op::cast(op::embedding(weight_, ids), wide(bias_));
}

Tensor BagOfWords::forward(const Tensor& tokens, const Tensor& lengths) const {
  const auto [ids, weights] = counted(tokens, lengths);
  return op::add(op::reshape(op::matmul(weights, rows_of(ids)), {tokens.dim(0), classes_}), bias_);
}

Tensor BagOfWords::shares(const Tensor& tokens, const Tensor& lengths) const {
  const auto [ids, weights] = counted(tokens, lengths);
  return op::multiply(rows_of(ids), op::reshape(weights, {tokens.dim(0), tokens.dim(1), 1}));
}

}  // namespace attend::nn
