#include "attend/op/dropout.h"

#include <gtest/gtest.h>

#include <cmath>

#include "attend/base/parallel.h"
#include "backend/kernels.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/gradient_check.h"
#include "support/in_precision.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;

std::uint16_t number(const RandomStream& stream, std::uint64_t i) {
  const std::uint32_t word = stream.words(i / 8)[i % 8 / 2];
  return static_cast<std::uint16_t>(i % 2 == 0 ? word : word >> 16);
}

TEST(Dropout, DrawsTheNumbersOfPhilox) {
  // The second place crosses the boundary of the counter's first word.
  for (const std::int64_t first : {std::int64_t{0}, (std::int64_t{8} << 32) - 64}) {
    const RandomStream stream{0x123456789abcdef0u, 0xfedcba9876543210u};
    std::vector<std::uint16_t> numbers(256);
    backend::kernels().dropout.random_numbers(stream.seed, stream.stream, first, 256, numbers.data());
    for (std::size_t i = 0; i < numbers.size(); ++i)
      ASSERT_EQ(numbers[i], number(stream, static_cast<std::uint64_t>(first) + i)) << i;
  }
}

TEST(Dropout, KeepsWhatItSays) {
  const RandomStream stream{42, 7};
  for (const DType dtype : {DType::f64, DType::f32, DType::bf16})
    for (const std::int64_t size : {1, 3, 63, 64, 65, 384, 1000, 40000})
      for (const double p : {0.1, 0.5, 0.999}) {
        const Tensor x = Tensor::full({size}, 1, dtype);
        const auto y = op::dropout(x, p, stream).to_vector<double>();
        for (std::size_t i = 0; i < y.size(); ++i) {
          const double expected = number(stream, i) >= std::round(p * 65536) ? 1 / (1 - p) : 0;
          ASSERT_NEAR(y[i], expected, expected * (dtype == DType::bf16 ? 4e-3 : 1e-6)) << i << " " << p;
        }
      }
}

TEST(Dropout, DropsTheGivenShareAndStreamsDiffer) {
  const Tensor x = Tensor::full({200000}, 1);
  const auto a = op::dropout(x, 0.2, {1, 0}).to_vector<double>(),
             b = op::dropout(x, 0.2, {1, 1}).to_vector<double>();
  double dropped = 0, both = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    dropped += a[i] == 0 ? 1 : 0;
    both += a[i] == 0 && b[i] == 0 ? 1 : 0;
  }
  // Five standard deviations of a count of 200,000 draws.
  EXPECT_NEAR(dropped / 200000, 0.2, 5 * std::sqrt(0.16 / 200000));
  EXPECT_NEAR(both / 200000, 0.04, 5 * std::sqrt(0.04 / 200000));
}

TEST(Dropout, GradientsMatchFiniteDifferences) {
  EXPECT_TRUE(test::gradients_match(
      [](const Tensors& x) {
        return Tensors{op::dropout(x[0], 0.3, {3, 4})};
      },
      {test::random_tensor({5, 27}, DType::f64, 1)}));
}

TEST(Dropout, BackwardDropsTheSameElements) {
  const Tensor x = Tensor::full({50000}, 1);
  autograd::set_requires_grad(x);
  const Tensor y = op::dropout(x, 0.4, {9, 9});
  EXPECT_TRUE(test::same_bits(autograd::gradients({y}, {x}, {Tensor::full({50000}, 1)})[0], y));
}

TEST(Dropout, ADroppedNaNIsGoneAndZeroProbabilityChangesNothing) {
  const Tensor x = Tensor::full({64}, std::nan(""));
  const auto y = op::dropout(x, 0.5, {1, 2}).to_vector<double>();
  for (std::size_t i = 0; i < y.size(); ++i) EXPECT_EQ(std::isnan(y[i]), number({1, 2}, i) >= 32768) << i;
  EXPECT_TRUE(op::dropout(x, 0, {1, 2}).same_object(x));
}

TEST(Dropout, SameBitsForAnyNumberOfThreads) {
  const int before = threads();
  std::vector<Tensor> results;
  for (const int count : {1, 2}) {
    set_threads(count);
    results.push_back(op::dropout(test::random_tensor({70001}, DType::bf16, 1), 0.1, {5, 6}));
  }
  set_threads(before);
  EXPECT_TRUE(test::same_bits(results[0], results[1]));
}

TEST(Dropout, NamesWhatDoesNotFit) {
  EXPECT_ERROR(op::dropout(Tensor::zeros({2}), 1, {}), "probability 1 given, 0 <= p < 1 accepted");
  EXPECT_ERROR(op::dropout(Tensor::zeros({2}), -0.1, {}), "probability -0.1");
  EXPECT_ERROR(op::dropout(Tensor::zeros({2}), std::nan(""), {}), "probability nan");
  EXPECT_ERROR(op::dropout(Tensor::zeros({2}, DType::i64), 0.1, {}), "dropout of i64 [2]");
}

}  // namespace
}  // namespace attend
