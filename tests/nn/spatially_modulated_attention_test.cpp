#include "attend/nn/spatially_modulated_attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "attend/autograd/tape.h"
#include "attend/base/parallel.h"
#include "attend/op/cast.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/gradient_check.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using nn::SpatiallyModulatedAttention;
using test::random_tensor;

constexpr std::int64_t kBatch = 2, kQueries = 3, kHeads = 2, kDim = 6, kHeight = 3, kWidth = 4;
constexpr std::int64_t kHeadDim = kDim / kHeads;

struct Layer {
  Generator random{1};
  SpatiallyModulatedAttention attention{kDim, {.heads = kHeads}, random};

  explicit Layer(DType dtype = DType::f64) {
    attention.cast_parameters(dtype);
    std::uint64_t seed = 1;
    for (const auto& parameter : attention.parameters())
      parameter.tensor.copy_from(random_tensor(parameter.tensor.shape(), dtype, ++seed, -0.7, 0.9));
  }
  Tensor named(const std::string& name) const {
    for (const auto& parameter : attention.parameters())
      if (parameter.name == name) return parameter.tensor.detach();
    return {};
  }
};

struct Input {
  Tensor x, boxes, map;

  explicit Input(DType dtype = DType::f64)
      : x(random_tensor({kBatch, kQueries, kDim}, dtype, 50)),
        boxes(random_tensor({kBatch, kQueries, 4}, dtype, 51, 0.2, 0.8)),
        map(random_tensor({kBatch, kHeight, kWidth, kDim}, dtype, 52)) {}
};

struct Watcher : attention::Observer {
  Tensor weights;
  bool wants(std::int64_t layer) override { return layer == 5; }
  void observe(std::int64_t, const Tensor& seen) override { weights = seen; }
};

// W x + b of rows [from, from + count).
std::vector<double> projected(const Layer& layer, const std::string& name, const double* x, std::int64_t from,
                              std::int64_t count) {
  const std::vector<double> weight = layer.named(name + ".weight").to_vector<double>(),
                            bias = layer.named(name + ".bias").to_vector<double>();
  std::vector<double> y;
  for (std::int64_t row = from; row < from + count; ++row) {
    double sum = bias[static_cast<std::size_t>(row)];
    for (std::int64_t i = 0; i < kDim; ++i) sum += weight[static_cast<std::size_t>(row * kDim + i)] * x[i];
    y.push_back(sum);
  }
  return y;
}

// The formula of the header, number by number: answers [batch, queries, dim] and weights [batch, heads,
// queries, places].
struct Expected {
  std::vector<double> answers, weights;
};

Expected by_definition(const Layer& layer, const Input& input) {
  Expected expected;
  expected.weights.resize(static_cast<std::size_t>(kBatch * kHeads * kQueries * kHeight * kWidth));
  for (std::int64_t b = 0; b < kBatch; ++b)
    for (std::int64_t q = 0; q < kQueries; ++q) {
      const double* x = input.x.data<double>() + (b * kQueries + q) * kDim;
      const double* box = input.boxes.data<double>() + (b * kQueries + q) * 4;
      const double w = std::max(box[2], 0.02), h = std::max(box[3], 0.02);
      std::vector<double> heads;
      for (std::int64_t head = 0; head < kHeads; ++head) {
        const auto query = projected(layer, "query", x, head * kHeadDim, kHeadDim),
                   m = projected(layer, "modulation", x, head * 4, 4);
        std::vector<double> weights;
        std::vector<double> sum(kHeadDim, 0.0);
        double total = 0;
        for (std::int64_t i = 0; i < kHeight; ++i)
          for (std::int64_t j = 0; j < kWidth; ++j) {
            const double* place = input.map.data<double>() + ((b * kHeight + i) * kWidth + j) * kDim;
            const auto key = projected(layer, "key_value", place, head * kHeadDim, kHeadDim),
                       value = projected(layer, "key_value", place, kDim + head * kHeadDim, kHeadDim);
            double score = 0;
            for (std::size_t k = 0; k < query.size(); ++k) score += query[k] * key[k];
            score /= std::sqrt(static_cast<double>(kHeadDim));
            const double dx = (static_cast<double>(j) + 0.5) / kWidth - (box[0] + m[0] * w),
                         dy = (static_cast<double>(i) + 0.5) / kHeight - (box[1] + m[1] * h),
                         s = std::exp(2 * std::tanh(m[2])) / 2, t = std::exp(2 * std::tanh(m[3])) / 2;
            score -= std::pow(dx / (s * w), 2) / 2 + std::pow(dy / (t * h), 2) / 2;
            weights.push_back(std::exp(score));
            total += weights.back();
            for (std::size_t k = 0; k < value.size(); ++k) sum[k] += weights.back() * value[k];
          }
        for (const double part : sum) heads.push_back(part / total);
        for (std::size_t p = 0; p < weights.size(); ++p)
          expected.weights[static_cast<std::size_t>(((b * kHeads + head) * kQueries + q) * kHeight * kWidth) +
                           p] = weights[p] / total;
      }
      const auto answer = projected(layer, "output", heads.data(), 0, kDim);
      expected.answers.insert(expected.answers.end(), answer.begin(), answer.end());
    }
  return expected;
}

TEST(SpatiallyModulatedAttention, IsItsFormula) {
  const Layer layer;
  Input input;
  input.boxes.data<double>()[2] = 0.001;  // a side below the smallest
  const Expected expected = by_definition(layer, input);
  Watcher watcher;
  const Tensor answer = layer.attention.forward(input.x, input.boxes, layer.attention.project(input.map),
                                                {.observer = &watcher, .layer = 5});
  EXPECT_TRUE(
      test::close(answer.detach(), Tensor::from(expected.answers, {kBatch, kQueries, kDim}), 1e-9, 1e-9));
  EXPECT_TRUE(test::close(watcher.weights,
                          Tensor::from(expected.weights, {kBatch, kHeads, kQueries, kHeight * kWidth}), 1e-5,
                          1e-7));
}

TEST(SpatiallyModulatedAttention, GradientsMatchFiniteDifferences) {
  const Layer layer;
  const Input input;
  Tensors inputs = {input.x, input.boxes, input.map};
  for (const auto& parameter : layer.attention.parameters()) inputs.push_back(parameter.tensor);
  EXPECT_TRUE(test::gradients_match(
      [&](const Tensors& x) {
        return Tensors{layer.attention.forward(x[0], x[1], layer.attention.project(x[2]))};
      },
      inputs, {.relative = 1e-5, .absolute = 1e-6}));
}

TEST(SpatiallyModulatedAttention, GivesTheSameBitsForOneThreadAndTwo) {
  const Layer layer(DType::f32);
  const Input input(DType::f32);
  const int before = threads();
  Tensors answers;
  for (const int count : {1, 2}) {
    set_threads(count);
    answers.push_back(
        layer.attention.forward(input.x, input.boxes, layer.attention.project(input.map)).detach());
  }
  set_threads(before);
  EXPECT_TRUE(test::same_bits(answers[0], answers[1]));
}

TEST(SpatiallyModulatedAttention, IsCloseInSingleAndHalfPrecision) {
  const Input input;
  const Layer exact;
  const Tensor expected =
      exact.attention.forward(input.x, input.boxes, exact.attention.project(input.map)).detach();
  Layer layer;
  layer.attention.cast_parameters(DType::f32);
  const Tensor boxes = op::cast(input.boxes, DType::f32);
  const auto answer = [&](DType dtype) {
    return layer.attention
        .forward(op::cast(input.x, dtype), boxes, layer.attention.project(op::cast(input.map, dtype)))
        .detach();
  };
  EXPECT_TRUE(test::close(answer(DType::f32), expected, 1e-5, 1e-5));
  // Projections round to 8 bits, and so does the answer.
  EXPECT_TRUE(test::close(answer(DType::bf16), expected, 3e-2, 3e-2));
}

TEST(SpatiallyModulatedAttention, BeginsByLookingIntoTheBox) {
  Generator random(1);
  const SpatiallyModulatedAttention attention(16, {.heads = 4}, random);
  const Tensor x = random_tensor({1, 1, 16}, DType::f32, 1),
               map = random_tensor({1, 10, 10, 16}, DType::f32, 2);
  const Tensor box = Tensor::from(std::vector<float>{0.7f, 0.3f, 0.2f, 0.3f}, {1, 1, 4});
  Watcher watcher;
  attention.forward(x, box, attention.project(map), {.observer = &watcher, .layer = 5});
  const std::vector<double> weights = watcher.weights.to_vector<double>();
  for (std::size_t head = 0; head < 4; ++head) {
    const auto begin = weights.begin() + static_cast<std::ptrdiff_t>(100 * head);
    const auto best = std::max_element(begin, begin + 100) - begin;
    const auto row = best / 10, column = best % 10;
    EXPECT_NEAR(static_cast<double>(column) / 10 + 0.05, 0.7, 0.11) << head;
    EXPECT_NEAR(static_cast<double>(row) / 10 + 0.05, 0.3, 0.16) << head;
  }
}

TEST(SpatiallyModulatedAttention, RefusesWhatDoesNotFit) {
  Generator random(1);
  EXPECT_ERROR(SpatiallyModulatedAttention(6, {.heads = 4}, random), "with 4 heads of 6 features");
  const Layer layer;
  const Input input;
  const auto memory = layer.attention.project(input.map);
  EXPECT_ERROR(layer.attention.project(input.x), "map f64 [2, 3, 6]: [batch, height, width, 6] needed");
  EXPECT_ERROR(layer.attention.forward(input.map, input.boxes, memory), "[batch, queries, 6] needed");
  EXPECT_ERROR(layer.attention.forward(input.x, input.x, memory),
               "with boxes f64 [2, 3, 6]: f64 [2, 3, 4] needed");
  EXPECT_ERROR(layer.attention.forward(input.x, op::cast(input.boxes, DType::f32), memory),
               "with boxes f32 [2, 3, 4]: f64 [2, 3, 4] needed");
}

}  // namespace
}  // namespace attend
