#include "attend/data/mix_images.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "data/augment_draw.h"

namespace attend::data {
namespace {

// Parts of a stream that are drawn from for one purpose each.
constexpr std::uint64_t kSecondGamma = std::uint64_t{1} << 32, kPartners = std::uint64_t{2} << 32,
                        kPlace = std::uint64_t{3} << 32;

/// The logarithm of a number drawn from Gamma(shape), which for small shapes may be too small for a double.
double draw_log_gamma(double shape, const RandomStream& random, std::uint64_t group) {
  const double raised = shape < 1 ? shape + 1 : shape;
  const double d = raised - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (;; ++group) {
    // (word + 1/2) / 2^32 is never 0, whose logarithm is infinite.
    const auto positive = [&](std::size_t i) { return uniform(random, group, i) + 0x1p-33; };
    const double x = std::sqrt(-2 * std::log(positive(0))) * std::cos(2 * std::numbers::pi * positive(1));
    const double root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    if (std::log(positive(2)) >= x * x / 2 + d - d * v + d * std::log(v)) continue;
    // A Gamma number of shape + 1 times u^(1/shape) is one of the shape.
    const double boost = shape < 1 ? std::log(positive(3)) / shape : 0;
    return std::log(d * v) + boost;
  }
}

std::vector<std::int64_t> draw_permutation(std::int64_t count, const RandomStream& random) {
  std::vector<std::int64_t> result(static_cast<std::size_t>(count));
  std::iota(result.begin(), result.end(), 0);
  for (std::size_t i = result.size(); i > 1; --i)
    std::swap(
        result[i - 1],
        result[static_cast<std::size_t>(below(random, kPartners + i, 0, static_cast<std::int64_t>(i)))]);
  return result;
}

void check_batch(const char* who, const Tensor& images, const Tensor& targets) {
  if (images.dtype() == DType::f32 && targets.dtype() == DType::f32 && images.rank() == 4 &&
      targets.rank() == 2 && images.elements() > 0 && targets.elements() > 0 &&
      images.dim(0) == targets.dim(0))
    return;
  throw Error(
      fmt::format("{} of images {} and targets {}: f32 [n, height, width, channels] and f32 [n, classes] "
                  "needed, none of them 0",
                  who, images.text(), targets.text()));
}

/// share * row i + (1 - share) * row partners[i].
Tensor mixed_rows(const Tensor& rows, double share, const std::vector<std::int64_t>& partners) {
  const Tensor in = rows.clone(), out = Tensor::empty(rows.shape());
  const std::int64_t count = rows.dim(0), size = rows.elements() / count;
  const auto own = static_cast<float>(share), other = static_cast<float>(1 - share);
  parallel_for(count, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const float* a = in.data<float>() + i * size;
      const float* b = in.data<float>() + partners[static_cast<std::size_t>(i)] * size;
      float* sum = out.data<float>() + i * size;
      for (std::int64_t k = 0; k < size; ++k) sum[k] = own * a[k] + other * b[k];
    }
  });
  return out;
}

/// A side of the rectangle, from `begin` to `end`.
struct Side {
  std::int64_t begin, end;
  std::int64_t length() const { return end - begin; }
};

Side draw_side(std::int64_t whole, double share, const RandomStream& random, std::size_t word) {
  const std::int64_t length = std::llround(static_cast<double>(whole) * share);
  const std::int64_t begin = below(random, kPlace, word, whole) - length / 2;
  return {std::max<std::int64_t>(begin, 0), std::min(begin + length, whole)};
}

}  // namespace

double draw_beta(double a, double b, const RandomStream& random) {
  check_range("a parameter of Beta", a, 1e-3, 1e6);
  check_range("a parameter of Beta", b, 1e-3, 1e6);
  const double x = draw_log_gamma(a, random, 0), y = draw_log_gamma(b, random, kSecondGamma);
  return 1 / (1 + std::exp(y - x));
}

MixedBatch mixup(const Tensor& images, const Tensor& targets, double alpha, const RandomStream& random) {
  check_batch("mixup", images, targets);
  MixedBatch batch;
  batch.share = draw_beta(alpha, alpha, random);
  batch.partners = draw_permutation(images.dim(0), random);
  batch.images = mixed_rows(images, batch.share, batch.partners);
  batch.targets = mixed_rows(targets, batch.share, batch.partners);
  return batch;
}

MixedBatch cutmix(const Tensor& images, const Tensor& targets, double alpha, const RandomStream& random) {
  check_batch("cutmix", images, targets);
  const std::int64_t count = images.dim(0), height = images.dim(1), width = images.dim(2),
                     channels = images.dim(3);
  const double side = std::sqrt(1 - draw_beta(alpha, alpha, random));
  const Side rows = draw_side(height, side, random, 0), columns = draw_side(width, side, random, 1);
  MixedBatch batch;
  batch.share =
      1 - static_cast<double>(rows.length() * columns.length()) / static_cast<double>(height * width);
  batch.partners = draw_permutation(count, random);
  const Tensor in = images.clone();
  batch.images = images.clone();
  for (std::int64_t i = 0; i < count; ++i)
    for (std::int64_t y = rows.begin; y < rows.end; ++y) {
      const std::int64_t place = (y * width + columns.begin) * channels, image = height * width * channels;
      std::copy_n(in.data<float>() + batch.partners[static_cast<std::size_t>(i)] * image + place,
                  columns.length() * channels, batch.images.data<float>() + i * image + place);
    }
  batch.targets = mixed_rows(targets, batch.share, batch.partners);
  return batch;
}

}  // namespace attend::data
