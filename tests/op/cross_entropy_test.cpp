#include "attend/op/cross_entropy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "attend/base/parallel.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/golden.h"
#include "support/gradient_check.h"
#include "support/in_precision.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using op::Reduction;
using test::random_bf16_values;
using test::random_integers;
using test::random_tensor;

op::LinearCrossEntropyOptions with_chunk(const op::CrossEntropyOptions& options, std::int64_t chunk) {
  return {options.reduction, options.label_smoothing, options.ignore_index, chunk};
}

std::vector<op::CrossEntropyOptions> all_options() {
  std::vector<op::CrossEntropyOptions> result;
  for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none})
    for (const double smoothing : {0.0, 0.2})
      for (const bool ignore : {false, true})
        result.push_back({reduction, smoothing, ignore ? std::optional<std::int64_t>(2) : std::nullopt});
  return result;
}

TEST(CrossEntropy, FollowsTheDefinition) {
  for (const std::int64_t classes : {1, 3, 63, 64, 65, 384, 1000}) {
    const Tensor logits = random_tensor({6, classes}, DType::f64, 1, -5, 5),
                 targets = random_integers({6}, classes, 2);
    const auto x = logits.to_vector<double>();
    const auto t = targets.to_vector<std::int64_t>();
    const auto n = static_cast<std::size_t>(classes);
    std::vector<double> losses;
    for (std::size_t r = 0; r < 6; ++r) {
      double sum = 0, loss = 0;
      for (std::size_t c = 0; c < n; ++c) sum += std::exp(x[r * n + c]);
      for (std::size_t c = 0; c < n; ++c) {
        const double q = 0.1 / static_cast<double>(n) + (static_cast<std::size_t>(t[r]) == c ? 0.9 : 0);
        loss -= q * (x[r * n + c] - std::log(sum));
      }
      losses.push_back(loss);
    }
    EXPECT_TRUE(test::close(op::cross_entropy(logits, targets, {Reduction::none, 0.1, {}}),
                            Tensor::from(losses, {6}), 1e-12, 1e-12));
  }
}

TEST(CrossEntropy, GradientsMatchFiniteDifferences) {
  const Tensor targets = random_integers({2, 3}, 5, 3);
  for (const op::CrossEntropyOptions& options : all_options()) {
    EXPECT_TRUE(test::gradients_match(
        [&](const Tensors& x) { return Tensors{op::cross_entropy(x[0], targets, options)}; },
        {random_tensor({2, 3, 5}, DType::f64, 1, -3, 3)}));
    EXPECT_TRUE(test::gradients_match(
        [&](const Tensors& x) {
          return Tensors{op::linear_cross_entropy(x[0], x[1], targets, with_chunk(options, 4))};
        },
        {random_tensor({2, 3, 4}, DType::f64, 1), random_tensor({5, 4}, DType::f64, 2)}));
  }
}

TEST(CrossEntropy, EqualsPyTorch) {
  struct Case {
    const char* name;
    op::CrossEntropyOptions options;
  };
  for (const Case& c :
       {Case{"mean", {}}, Case{"sum", {Reduction::sum, 0, {}}}, Case{"none", {Reduction::none, 0, {}}},
        Case{"ignored", {Reduction::mean, 0, -100}}, Case{"ignored_none", {Reduction::none, 0, -100}},
        Case{"smooth", {Reduction::mean, 0.1, {}}}, Case{"smooth_ignored", {Reduction::mean, 0.3, -100}},
        Case{"smooth_none", {Reduction::none, 0.3, -100}}})
    for (const DType dtype : {DType::f64, DType::f32, DType::bf16}) {
      const double tolerance = dtype == DType::bf16 ? 2e-2 : dtype == DType::f32 ? 2e-5 : 1e-11;
      const test::GoldenCheck check{.dtype = dtype, .relative = tolerance, .absolute = tolerance};
      EXPECT_TRUE(test::golden_matches(
          "nn_operations.safetensors", std::string("cross_entropy_") + c.name,
          [&](const Tensors& x) { return Tensors{op::cross_entropy(x[0], x[1], c.options)}; }, check));
      EXPECT_TRUE(test::golden_matches(
          "nn_operations.safetensors", std::string("linear_cross_entropy_") + c.name,
          [&](const Tensors& x) {
            return Tensors{op::linear_cross_entropy(x[0], x[1], x[2], with_chunk(c.options, 4))};
          },
          check));
    }
}

TEST(CrossEntropy, SinglePrecisionAndBf16FollowDoubleAtEverySize) {
  for (const std::int64_t classes : {1, 3, 63, 64, 65, 384, 1000}) {
    const Tensor targets = random_integers({40}, classes, 3);
    const auto function = [&](const Tensors& x) { return Tensors{op::cross_entropy(x[0], targets)}; };
    const Tensors inputs = {random_bf16_values({40, classes}, 1, -8, 8)};
    const Tensors exact = test::run_in({DType::f64}, function, inputs),
                  single = test::run_in({DType::f32}, function, inputs),
                  half = test::run_in({DType::bf16}, function, inputs);
    EXPECT_EQ(half[0].dtype(), DType::f32);
    EXPECT_TRUE(test::close(half[0], exact[0], 1e-6, 1e-6));
    for (std::size_t i = 0; i < 2; ++i) EXPECT_TRUE(test::close(single[i], exact[i], 2e-6, 1e-6)) << classes;
    EXPECT_TRUE(test::close(half[1], exact[1], 4e-3, 1e-6)) << classes;
  }
}

TEST(CrossEntropy, ComputesEveryPartOfALargeTensor) {
  // Targets that depend on the row alone: its largest logit.
  const auto targets_of = [](const Tensor& logits) {
    const auto x = logits.to_vector<double>();
    std::vector<std::int64_t> targets;
    for (std::size_t r = 0; r < x.size(); r += 700)
      targets.push_back(
          static_cast<std::int64_t>(std::max_element(x.begin() + static_cast<std::ptrdiff_t>(r),
                                                     x.begin() + static_cast<std::ptrdiff_t>(r + 700)) -
                                    x.begin()) -
          static_cast<std::int64_t>(r));
    return Tensor::from(targets, {logits.dim(0)});
  };
  const Tensor w = random_tensor({90, 700}, DType::f32, 2);
  EXPECT_TRUE(test::same_in_pieces(
      [&](const Tensors& x) {
        const Tensor classes = targets_of(x[0]);
        std::vector<std::int64_t> capped;
        for (const std::int64_t t : classes.to_vector<std::int64_t>()) capped.push_back(t % 90);
        return Tensors{op::cross_entropy(x[0], classes, {Reduction::none, 0.1, {}}),
                       op::linear_cross_entropy(x[0], w, Tensor::from(capped, {x[0].dim(0)}),
                                                with_chunk({Reduction::none, 0, {}}, 24))};
      },
      {random_tensor({100, 700}, DType::f32, 1, -2, 2)}, 13));
}

TEST(CrossEntropy, ChunksChangeNothingButRounding) {
  const Tensor targets = random_integers({50}, 130, 3);
  const Tensors inputs = {random_bf16_values({50, 24}, 1), random_bf16_values({130, 24}, 2)};
  for (const op::CrossEntropyOptions& options : all_options()) {
    const auto run = [&](DType dtype, DType weight, std::int64_t chunk) {
      return test::run_in(
          {dtype, weight},
          [&](const Tensors& x) {
            return Tensors{op::linear_cross_entropy(x[0], x[1], targets, with_chunk(options, chunk))};
          },
          inputs);
    };
    const Tensors exact = run(DType::f64, DType::f64, 0);
    for (const std::int64_t chunk : {0, 1, 7, 25, 50, 1000}) {
      const Tensors same = run(DType::f64, DType::f64, chunk), single = run(DType::f32, DType::f32, chunk),
                    half = run(DType::bf16, DType::f32, chunk),
                    all_half = run(DType::bf16, DType::bf16, chunk);
      EXPECT_EQ(half[2].dtype(), DType::f32);
      for (std::size_t i = 0; i < exact.size(); ++i) {
        EXPECT_TRUE(test::close(same[i], exact[i], 1e-12, 1e-12)) << chunk;
        EXPECT_TRUE(test::close(single[i], exact[i], 1e-5, 1e-5)) << chunk;
        EXPECT_TRUE(test::close(half[i], exact[i], 2e-2, 2e-2)) << chunk;
        EXPECT_TRUE(test::close(all_half[i], exact[i], 2e-2, 2e-2)) << chunk;
      }
    }
  }
}

TEST(CrossEntropy, KeepsNoLogitsBeyondAChunk) {
  const std::int64_t rows = 4096, classes = 4096;
  const Tensor x = random_tensor({rows, 16}, DType::f32, 1), w = random_tensor({classes, 16}, DType::f32, 2),
               targets = random_integers({rows}, classes, 3);
  autograd::set_requires_grad(x);
  autograd::set_requires_grad(w);
  const std::int64_t before = memory_use().current;
  reset_peak_memory();
  const Tensor loss = op::linear_cross_entropy(x, w, targets, with_chunk({}, 128));
  autograd::backward(loss);
  EXPECT_LT(memory_use().peak - before, rows * classes * 4 / 8);
}

TEST(CrossEntropy, ScalesItsGradientsByTheCotangent) {
  const Tensor x = random_tensor({9, 4}, DType::f32, 1), w = random_tensor({5, 4}, DType::f32, 2),
               targets = random_integers({9}, 5, 3);
  autograd::set_requires_grad(x);
  autograd::set_requires_grad(w);
  for (const bool scaled : {false, true}) {
    const Tensor cotangent = scaled ? Tensor::full({}, 4) : Tensor();
    autograd::backward(op::linear_cross_entropy(x, w, targets), cotangent);
  }
  const Tensor logits_gradient = autograd::grad(w);
  autograd::clear_grad(w);
  autograd::backward(op::linear_cross_entropy(x, w, targets), Tensor::full({}, 5));
  EXPECT_TRUE(test::close(logits_gradient, autograd::grad(w), 1e-6, 1e-7));
}

TEST(CrossEntropy, ExtremeLogits) {
  const float infinity = std::numeric_limits<float>::infinity();
  const auto run = [](const std::vector<float>& logits) {
    const Tensor x = Tensor::from(logits, {1, static_cast<std::int64_t>(logits.size())});
    autograd::set_requires_grad(x);
    const Tensor loss = op::cross_entropy(x, Tensor::zeros({1}, DType::i64));
    return std::pair{loss.item(), autograd::gradients({loss}, {x})[0].to_vector<double>()};
  };
  EXPECT_EQ(run({1e30f, 0}), (std::pair{0.0, std::vector<double>{0, 0}}));
  EXPECT_EQ(run({0, 1000}), (std::pair{1000.0, std::vector<double>{-1, 1}}));
  EXPECT_EQ(run({3, -infinity, -infinity}), (std::pair{0.0, std::vector<double>{0, 0, 0}}));
  const auto [loss, gradient] = run({-infinity, 2, 2});
  EXPECT_EQ(loss, infinity);
  EXPECT_EQ(gradient, (std::vector<double>{-1, 0.5, 0.5}));
  EXPECT_TRUE(std::isnan(run({1, std::nanf("")}).first));
  EXPECT_TRUE(std::isnan(run({1, infinity}).first));
}

TEST(CrossEntropy, NoCountedTargetsGiveZero) {
  for (const bool linear : {false, true}) {
    const Tensor x = random_tensor({3, 4}, DType::f32, 1), w = random_tensor({4, 4}, DType::f32, 2);
    autograd::set_requires_grad(x);
    const Tensor targets = Tensor::full({3}, -1, DType::i32);
    const op::CrossEntropyOptions options{.ignore_index = -1};
    const Tensor loss = linear ? op::linear_cross_entropy(x, w, targets, with_chunk(options, 0))
                               : op::cross_entropy(x, targets, options);
    EXPECT_EQ(loss.item(), 0);
    EXPECT_TRUE(test::same_bits(autograd::gradients({loss}, {x})[0], Tensor::zeros({3, 4})));
  }
}

TEST(CrossEntropy, SameBitsForAnyNumberOfThreads) {
  const int before = threads();
  std::vector<Tensors> results;
  for (const int count : {1, 2}) {
    set_threads(count);
    const Tensor targets = random_integers({600}, 130, 1);
    results.push_back(test::run_in(
        {DType::bf16, DType::bf16, DType::f32},
        [&](const Tensors& x) {
          return Tensors{op::cross_entropy(x[0], targets), op::linear_cross_entropy(x[1], x[2], targets)};
        },
        {random_bf16_values({600, 130}, 2), random_bf16_values({600, 64}, 3),
         random_bf16_values({130, 64}, 4)}));
  }
  set_threads(before);
  for (std::size_t i = 0; i < results[0].size(); ++i)
    EXPECT_TRUE(test::same_bits(results[0][i], results[1][i])) << i;
}

TEST(CrossEntropy, NamesWhatDoesNotFit) {
  const Tensor logits = Tensor::zeros({2, 3}), targets = Tensor::zeros({2}, DType::i64);
  EXPECT_ERROR(op::cross_entropy(logits, Tensor::full({2}, 3, DType::i32)),
               "cross_entropy: target 3 at element 0 of i32 [2]: 0 to 2 accepted");
  EXPECT_ERROR(op::cross_entropy(logits, Tensor::full({2}, -1, DType::i32), {.ignore_index = -100}),
               "0 to 2 accepted, or -100");
  EXPECT_ERROR(op::cross_entropy(logits, Tensor::zeros({3}, DType::i64)),
               "targets i64 [3], i32 or i64 [2] needed");
  EXPECT_ERROR(op::cross_entropy(logits, Tensor::zeros({2})), "targets f32 [2]");
  EXPECT_ERROR(op::cross_entropy(targets, targets), "logits i64 [2]");
  EXPECT_ERROR(op::cross_entropy(logits, targets, {.label_smoothing = 2}), "label_smoothing 2 given");
  EXPECT_ERROR(op::linear_cross_entropy(logits, Tensor::zeros({5, 4}), targets),
               "x [..., d] and weight [V, d]");
  EXPECT_ERROR(op::linear_cross_entropy(logits, Tensor::zeros({5, 3}, DType::bf16), targets),
               "one floating dtype");
  EXPECT_ERROR(op::linear_cross_entropy(logits, Tensor::zeros({5, 3}), targets, {.chunk = -1}), "chunk -1");
}

}  // namespace
}  // namespace attend
