#include "attention/choice.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "attend/autograd/tape.h"
#include "attend/base/parallel.h"

namespace attend::attention {

namespace {

constexpr std::int64_t kGrain = 1 << 13;

Tensor dense(const Tensor& x) {
  return x.is_contiguous() ? x.detach() : x.clone();
}

// Calls body(first row, last row) on all threads.
template <class Body>
void for_each_row_block(const Tensor& x, const Body& body) {
  if (x.elements() == 0) return;
  const std::int64_t columns = x.dim(-1);
  parallel_for(x.elements() / columns, std::max<std::int64_t>(1, kGrain / columns), body);
}

template <class T>
void mark_largest(const T* scores, bool* mask, std::int64_t columns, std::int64_t count,
                  std::vector<std::int64_t>& order) {
  order.resize(static_cast<std::size_t>(columns));
  for (std::int64_t i = 0; i < columns; ++i) order[static_cast<std::size_t>(i)] = i;
  // NaN as infinity: a comparison with it would be no order.
  const auto rank = [&](std::int64_t i) {
    return std::isnan(scores[i]) ? std::numeric_limits<T>::infinity() : scores[i];
  };
  const auto before = [&](std::int64_t a, std::int64_t b) {
    return rank(a) != rank(b) ? rank(a) > rank(b) : a < b;
  };
  const auto end = order.begin() + std::min(count, columns);
  if (end != order.end()) std::nth_element(order.begin(), end, order.end(), before);
  for (auto i = order.begin(); i != end; ++i) mask[*i] = true;
}

template <class T>
void mark_best(const T* scores, T* out, std::int64_t columns) {
  std::int64_t best = 0;
  for (std::int64_t i = 0; i < columns; ++i) {
    if (std::isnan(scores[i])) {
      std::fill(out, out + columns, std::numeric_limits<T>::quiet_NaN());
      return;
    }
    if (scores[i] > scores[best]) best = i;
  }
  std::fill(out, out + columns, T{0});
  if (scores[best] > -std::numeric_limits<T>::infinity()) out[best] = 1;
}

template <class T>
void fill_noise(const Tensor& noise, const RandomStream& random) {
  const std::int64_t queries = noise.dim(2), keys = noise.dim(3);
  for_each_row_block(noise, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      // Dropout of attention never sets the topmost bit of the counter (attention_dropout.h).
      const std::uint64_t stream =
          ((random.stream << 20) + static_cast<std::uint64_t>(row / queries)) | (std::uint64_t{1} << 63);
      T* out = noise.data<T>() + row * keys;
      for (std::int64_t k = 0; k < keys; k += 4) {
        const auto words =
            philox({static_cast<std::uint32_t>(k / 4), static_cast<std::uint32_t>(row % queries),
                    static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)},
                   random.seed);
        for (std::int64_t i = 0; i < 4 && k + i < keys; ++i) {
          // (word + 1/2) / 2^32 is neither 0 nor 1, whose logarithms have none.
          const double uniform = (words[static_cast<std::size_t>(i)] + 0.5) * 0x1p-32;
          out[k + i] = static_cast<T>(-std::log(-std::log(uniform)));
        }
      }
    }
  });
}

}  // namespace

Tensor largest(const Tensor& input, std::int64_t count) {
  const Tensor scores = dense(input), mask = Tensor::zeros(scores.shape(), DType::boolean);
  const std::int64_t columns = scores.dim(-1);
  for_each_row_block(scores, [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::int64_t> order;
    for (std::int64_t first = begin * columns; first < end * columns; first += columns)
      if (scores.dtype() == DType::f64)
        mark_largest(scores.data<double>() + first, mask.data<bool>() + first, columns, count, order);
      else
        mark_largest(scores.data<float>() + first, mask.data<bool>() + first, columns, count, order);
  });
  return mask;
}

Tensor one_hot_of_largest(const Tensor& input) {
  const Tensor scores = dense(input), out = Tensor::empty(scores.shape(), scores.dtype());
  const std::int64_t columns = scores.dim(-1);
  for_each_row_block(scores, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t first = begin * columns; first < end * columns; first += columns)
      if (scores.dtype() == DType::f64)
        mark_best(scores.data<double>() + first, out.data<double>() + first, columns);
      else
        mark_best(scores.data<float>() + first, out.data<float>() + first, columns);
  });
  return out;
}

Tensor gumbel_noise(const Shape& shape, DType dtype, const RandomStream& stream) {
  const Tensor noise = Tensor::empty(shape, dtype);
  if (dtype == DType::f64)
    fill_noise<double>(noise, stream);
  else
    fill_noise<float>(noise, stream);
  return noise;
}

Tensor straight_through(const Tensor& hard, const Tensor& soft) {
  const Tensor result = hard.detach();
  if (autograd::is_recording({soft}))
    autograd::record("straight_through", {soft}, {result},
                     [](const autograd::Tensors& gradients) { return autograd::Tensors{gradients[0]}; });
  return result;
}

}  // namespace attend::attention
