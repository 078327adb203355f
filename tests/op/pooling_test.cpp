#include "attend/op/pooling.h"

#include <gtest/gtest.h>

#include <numeric>

#include "support/compare.h"
#include "support/expect_error.h"
#include "support/golden.h"
#include "support/gradient_check.h"
#include "support/precision_check.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using op::PoolingMode;
using test::random_tensor;

constexpr PoolingMode kModes[] = {PoolingMode::max, PoolingMode::average, PoolingMode::average_inside};

struct Window {
  const char* name;
  op::PoolingOptions options = {};
};

const std::vector<Window>& windows() {
  static const std::vector<Window> all = {
      {"plain"},
      {"overlapping", {.window = 3, .stride = 2, .padding = 1}},
      {"oblong", {.window = {3, 2}, .stride = {1, 2}, .padding = {1, 0}}},
  };
  return all;
}

auto pool_of(PoolingMode mode, op::PoolingOptions options) {
  options.mode = mode;
  return [options](const Tensors& x) { return Tensors{op::pool(x[0], options)}; };
}

// Numbers at distances that no difference of a gradient check crosses: where two are nearly equal, the
// largest jumps.
Tensor distinct(const Shape& shape) {
  std::vector<double> values(static_cast<std::size_t>(shape.elements()));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<double>(i * 37 % values.size()) / 8 - 4;
  return Tensor::from(values, shape);
}

TEST(Pooling, GradientsMatchFiniteDifferences) {
  const Tensor x = distinct({2, 6, 5, 3});
  ASSERT_NE(std::gcd(x.elements(), std::int64_t{37}), 37);
  for (const PoolingMode mode : kModes)
    for (const Window& window : windows())
      EXPECT_TRUE(test::gradients_match(pool_of(mode, window.options), {x})) << window.name;
}

TEST(Pooling, AgreesWithPyTorch) {
  for (const Window& window : windows())
    for (const DType dtype : {DType::f64, DType::f32, DType::bf16}) {
      const std::string name = window.name;
      const auto matches = [&](const std::string& file_case, PoolingMode mode) {
        EXPECT_TRUE(test::golden_matches("convolution.safetensors", file_case, pool_of(mode, window.options),
                                         {.dtype = dtype}))
            << file_case << ", " << name_of(dtype);
      };
      matches("max_" + name, PoolingMode::max);
      matches("average_" + name + "_all", PoolingMode::average);
      matches("average_" + name + "_inside", PoolingMode::average_inside);
    }
}

TEST(Pooling, SinglePrecisionAndBf16FollowTheDefinitionWithTheSameBitsForThreads) {
  for (const Shape& shape : {Shape{1, 2, 2, 1}, Shape{3, 7, 9, 33}, Shape{2, 8, 8, 64}})
    for (const PoolingMode mode : kModes)
      for (const op::PoolingOptions& options :
           {op::PoolingOptions{}, op::PoolingOptions{.window = 2, .stride = 1, .padding = 1}}) {
        // Distinct in bf16 too, so that the largest is the same one.
        const Tensor x = mode == PoolingMode::max ? distinct(shape) : random_tensor(shape, DType::f64, 1);
        if (mode != PoolingMode::max || shape.elements() < 256) {
          EXPECT_TRUE(test::follows_double_precision(pool_of(mode, options), {x})) << shape.text();
        }
        for (const DType dtype : {DType::f32, DType::bf16})
          EXPECT_TRUE(test::same_bits_for_threads(pool_of(mode, options), {random_tensor(shape, dtype, 2)}))
              << shape.text();
      }
}

TEST(Pooling, NamesWhatDoesNotFit) {
  const Tensor x = Tensor::zeros({1, 4, 4, 2});
  EXPECT_ERROR(op::pool(Tensor::zeros({4, 4, 2})), "[batch, height, width, channels] needed");
  EXPECT_ERROR(op::pool(Tensor::zeros({1, 4, 4, 2}, DType::i32)), "pool");
  EXPECT_ERROR(op::pool(x, {.window = 0}), "window and stride of at least 1");
  EXPECT_ERROR(op::pool(x, {.window = 3, .padding = 2}), "a padding of 0 to half of the window");
  EXPECT_ERROR(op::pool(x, {.window = 5}), "larger than the padded maps");
}

}  // namespace
}  // namespace attend
