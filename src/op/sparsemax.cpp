#include "attend/op/sparsemax.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "backend/cast.h"
#include "op/check.h"
#include "op/chunk.h"
#include "op/view.h"

namespace attend::op {

namespace {

// Both maps are max(0, z - t)^power of z = (x - max x) / power. Only z above -1 can be in the support,
// because t is at least -1: at t = -1 the largest score alone has weight 1.
struct Map {
  const char* name;
  int power;
  // The threshold t of the scores above -1, sorted from the largest (0) down.
  double (*threshold)(const std::vector<double>& sorted);
};

double sparsemax_threshold(const std::vector<double>& sorted) {
  double sum = 0, threshold = -1;
  for (std::size_t k = 0; k < sorted.size(); ++k) {
    const double candidate = (sum + sorted[k] - 1) / static_cast<double>(k + 1);
    if (!(sorted[k] > candidate)) break;
    sum += sorted[k];
    threshold = candidate;
  }
  return threshold;
}

double entmax15_threshold(const std::vector<double>& sorted) {
  // With k scores in the support, t solves sum (z - t)^2 = 1: t = mean - sqrt((1 - k variance) / k).
  double mean = 0, squares = 0, threshold = -1;
  for (std::size_t k = 0; k < sorted.size(); ++k) {
    const double count = static_cast<double>(k + 1), difference = sorted[k] - mean;
    const double next_mean = mean + difference / count;
    const double next_squares = squares + difference * (sorted[k] - next_mean);
    const double inside = (1 - next_squares) / count;
    if (!(inside >= 0) || !(sorted[k] >= next_mean - std::sqrt(inside))) break;
    mean = next_mean;
    squares = next_squares;
    threshold = mean - std::sqrt(inside);
  }
  return threshold;
}

template <class T>
void map_row(const Map& map, const T* x, T* y, std::int64_t count, std::vector<double>& candidates) {
  double largest = -std::numeric_limits<double>::infinity();
  bool is_number = true;
  for (std::int64_t i = 0; i < count; ++i) {
    is_number = is_number && !std::isnan(x[i]);
    largest = std::max(largest, static_cast<double>(x[i]));
  }
  if (!is_number || largest == std::numeric_limits<double>::infinity()) {
    std::fill(y, y + count, std::numeric_limits<T>::quiet_NaN());
    return;
  }
  if (largest == -std::numeric_limits<double>::infinity()) {
    std::fill(y, y + count, T{0});
    return;
  }
  candidates.clear();
  const auto shifted = [&](std::int64_t i) { return (static_cast<double>(x[i]) - largest) / map.power; };
  for (std::int64_t i = 0; i < count; ++i)
    if (shifted(i) > -1) candidates.push_back(shifted(i));
  std::sort(candidates.begin(), candidates.end(), std::greater<>());
  const double threshold = map.threshold(candidates);
  for (std::int64_t i = 0; i < count; ++i) {
    const double above = std::max(0.0, shifted(i) - threshold);
    y[i] = static_cast<T>(map.power == 1 ? above : above * above);
  }
}

template <class T>
void gradient_row(int power, const T* y, const T* dy, T* dx, std::int64_t count) {
  double sum = 0, norm = 0;
  const auto slope = [&](std::int64_t i) {
    const auto value = static_cast<double>(y[i]);
    if (std::isnan(value)) return value;
    return power == 1 ? (value > 0 ? 1.0 : 0.0) : std::sqrt(value);
  };
  for (std::int64_t i = 0; i < count; ++i) {
    norm += slope(i);
    sum += slope(i) * static_cast<double>(dy[i]);
  }
  const double mean = norm == 0 ? 0 : sum / norm;
  for (std::int64_t i = 0; i < count; ++i)
    dx[i] = static_cast<T>(slope(i) * (static_cast<double>(dy[i]) - mean));
}

// Calls body(first element of a row, columns) with memory that a thread keeps, for every row of x.
template <class Body>
void for_each_row(const Tensor& x, const Body& body) {
  const std::int64_t columns = x.dim(-1);
  if (x.elements() == 0) return;
  parallel_for(x.elements() / columns, rows_of_chunk(4 * columns), [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> memory;
    for (std::int64_t row = begin; row < end; ++row) body(row * columns, columns, memory);
  });
}

Tensor recorded(const Map& map, const Tensor& input) {
  check_floating(map.name, input);
  if (input.rank() == 0)
    throw Error(fmt::format("{} of {}: at least one axis needed", map.name, input.text()));
  const DType dtype = parameter_dtype(input.dtype());
  const auto converted = [](const Tensor& tensor, DType to) {
    return tensor.dtype() == to ? dense(tensor) : backend::cast(tensor, to);
  };
  const Tensor x = converted(input.detach(), dtype), y = Tensor::empty(x.shape(), dtype);
  for_each_row(x, [&](std::int64_t first, std::int64_t columns, std::vector<double>& memory) {
    if (dtype == DType::f64)
      map_row(map, x.data<double>() + first, y.data<double>() + first, columns, memory);
    else
      map_row(map, x.data<float>() + first, y.data<float>() + first, columns, memory);
  });
  const Tensor result = y.dtype() == input.dtype() ? y : backend::cast(y, input.dtype());
  if (autograd::is_recording({input}))
    autograd::record(map.name, {input}, {result},
                     [power = map.power, y = y.detach(), dtype, converted,
                      input_dtype = input.dtype()](const autograd::Tensors& gradients) {
                       const Tensor dy = converted(gradients[0], dtype), dx = Tensor::empty(y.shape(), dtype);
                       for_each_row(y, [&](std::int64_t first, std::int64_t columns, std::vector<double>&) {
                         if (dtype == DType::f64)
                           gradient_row(power, y.data<double>() + first, dy.data<double>() + first,
                                        dx.data<double>() + first, columns);
                         else
                           gradient_row(power, y.data<float>() + first, dy.data<float>() + first,
                                        dx.data<float>() + first, columns);
                       });
                       return autograd::Tensors{converted(dx, input_dtype)};
                     });
  return result;
}

}  // namespace

Tensor sparsemax(const Tensor& x) {
  return recorded({"sparsemax", 1, sparsemax_threshold}, x);
}

Tensor entmax15(const Tensor& x) {
  return recorded({"entmax15", 2, entmax15_threshold}, x);
}

}  // namespace attend::op
