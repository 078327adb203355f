#include "attend/nn/character_cnn.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <vector>

#include "attend/base/error.h"
#include "attend/nn/padding.h"
#include "attend/op/embedding.h"
#include "attend/op/linear.h"
#include "attend/op/reduce.h"
#include "attend/op/shape.h"
#include "attend/op/where.h"

namespace attend::nn {

namespace {

bool is_integer(const Tensor& tensor) {
  return tensor.defined() && (tensor.dtype() == DType::i32 || tensor.dtype() == DType::i64);
}

std::int64_t checked_width(const CharacterCnnOptions& options) {
  if (options.count < 1 || options.dim < 1 || options.filters < 1 || options.width < 1 ||
      options.width % 2 == 0)
    throw Error(fmt::format(
        "a convolution of {} characters with {} features by {} filters of width {}: at least 1 of "
        "each, and an odd width needed",
        options.count, options.dim, options.filters, options.width));
  return options.width;
}

/// A standard deviation that keeps the size of sums of so many products.
double spread(std::int64_t inputs) {
  return 1 / std::sqrt(static_cast<double>(inputs));
}

/// The rows of the table in each window, [words, length, width]; `count`, a row of zeros, outside of words.
Tensor windows(const Tensor& characters, const std::vector<std::int64_t>& lengths, std::int64_t count,
               std::int64_t width) {
  const std::int64_t words = characters.dim(0), length = characters.dim(1);
  const auto ids = characters.to_vector<std::int64_t>();
  std::vector<std::int64_t> rows;
  rows.reserve(static_cast<std::size_t>(words * length * width));
  for (std::int64_t n = 0; n < words; ++n)
    for (std::int64_t t = 0; t < length; ++t)
      for (std::int64_t place = t - width / 2; place <= t + width / 2; ++place) {
        const bool inside = place >= 0 && place < lengths[static_cast<std::size_t>(n)];
        const std::int64_t id = inside ? ids[static_cast<std::size_t>(n * length + place)] : count;
        if (inside && (id < 0 || id >= count))
          throw Error(fmt::format("character {} of word {}: 0 to {} accepted", id, n, count - 1));
        rows.push_back(id);
      }
  return Tensor::from(rows, {words, length, width});
}

}  // namespace

Tensor character_convolution(const Tensor& table, const Tensor& weight, const Tensor& bias,
                             const Tensor& characters, const Tensor& lengths, DType compute) {
  if (!is_integer(characters) || characters.rank() != 2 || characters.elements() == 0)
    throw Error(fmt::format("characters {}: i32 or i64 [words, length] needed",
                            characters.defined() ? characters.text() : "not given"));
  if (!is_integer(lengths) || !(lengths.shape() == Shape{characters.dim(0)}))
    throw Error(fmt::format("lengths {}: i32 or i64 [{}] needed",
                            lengths.defined() ? lengths.text() : "not given", characters.dim(0)));
  const std::int64_t words = characters.dim(0), length = characters.dim(1), count = table.dim(0),
                     dim = table.dim(1), width = weight.dim(1) / dim;
  const auto counts = lengths.to_vector<std::int64_t>();
  std::vector<std::int32_t> narrow(counts.begin(), counts.end());
  const Tensor inside = real_tokens(Tensor::from(narrow, {words}), words, length);
  const Tensor rows = op::concatenate({table, Tensor::zeros({1, dim}, table.dtype())}, 0);
  const DType dtype = table.dtype() == DType::f32 ? compute : table.dtype();
  const Tensor seen = op::embedding(rows, windows(characters, counts, count, width), {.dtype = dtype});
  const Tensor scores = op::linear(op::reshape(seen, {words, length, width * dim}), weight, bias);
  const Tensor never = Tensor::full({}, -std::numeric_limits<double>::infinity(), dtype);
  return op::maximum(op::where(op::reshape(inside, {words, length, 1}), scores, never), {.axes = {1}});
}

CharacterCnn::CharacterCnn(const CharacterCnnOptions& options, Generator& random)
    : embedding_(options.count, options.dim, EmbeddingOptions{.initialisation_std = spread(options.dim)},
                 random),
      convolution_(checked_width(options) * options.dim, options.filters,
                   LinearOptions{.initialisation_std = spread(options.width * options.dim)}, random) {
  add_child("embedding", embedding_);
  add_child("convolution", convolution_);
}

Tensor CharacterCnn::forward(const Tensor& characters, const Tensor& lengths, DType compute) const {
  return character_convolution(embedding_.weight(), convolution_.weight(), convolution_.bias(), characters,
                               lengths, compute);
}

}  // namespace attend::nn
