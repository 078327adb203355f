#include "attend/nn/cross_attention.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "attend/attention/mechanism.h"
#include "attend/autograd/tape.h"
#include "attend/op/shape.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/gradient_check.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using nn::CrossAttention;
using test::random_tensor;

void fill(CrossAttention& layer) {
  layer.cast_parameters(DType::f64);
  std::uint64_t seed = 1;
  for (const auto& parameter : layer.parameters())
    parameter.tensor.copy_from(random_tensor(parameter.tensor.shape(), DType::f64, ++seed, -0.7, 0.9));
}

TEST(CrossAttention, GradientsMatchFiniteDifferences) {
  AttentionSpec gated;
  gated.fuse = {.kind = attention::Fuse::Kind::pool, .gate = true};
  for (const AttentionSpec& spec : {AttentionSpec{}, gated})
    for (const std::int64_t key_heads : {0, 2}) {
      Generator random(1);
      CrossAttention layer(12, {.heads = 4, .key_heads = key_heads, .attention = spec}, random);
      fill(layer);
      Tensors inputs = {random_tensor({2, 2, 12}, DType::f64, 50), random_tensor({2, 3, 12}, DType::f64, 51)};
      for (const auto& parameter : layer.parameters()) inputs.push_back(parameter.tensor);
      const attention::Run run{.key_lengths = Tensor::from(std::vector<std::int32_t>{3, 2}, {2})};
      EXPECT_TRUE(test::gradients_match(
          [&](const Tensors& x) { return Tensors{layer.forward(x[0], layer.project(x[1]), run)}; }, inputs,
          {.relative = 1e-5, .absolute = 1e-6}));
    }
}

TEST(CrossAttention, PaddingOfTheMemoryChangesNothing) {
  Generator random(1);
  CrossAttention layer(12, {.heads = 4}, random);
  fill(layer);
  const Tensor x = random_tensor({2, 5, 12}, DType::f64, 60);
  const Tensor memory = random_tensor({2, 7, 12}, DType::f64, 61);
  const attention::Run run{.key_lengths = Tensor::from(std::vector<std::int32_t>{7, 4}, {2})};
  const Tensor together = layer.forward(x, layer.project(memory), run).detach();
  const Tensor row = op::slice(x, 0, 1, 2), kept = op::slice(op::slice(memory, 0, 1, 2), 1, 0, 4);
  const Tensor alone = layer.forward(row, layer.project(kept)).detach();
  EXPECT_TRUE(test::close(op::slice(together, 0, 1, 2), alone, 1e-12, 1e-12));
  const Tensor other = memory.clone();
  for (std::int64_t i = (7 + 4) * 12; i < 2 * 7 * 12; ++i) other.data<double>()[i] = 1e3;
  EXPECT_TRUE(test::same_bits(layer.forward(x, layer.project(other), run).detach(), together));
}

TEST(CrossAttention, OverItselfIsSelfAttention) {
  for (const std::int64_t key_heads : {4, 2}) {
    Generator random(1);
    CrossAttention cross(12, {.heads = 4, .key_heads = key_heads}, random);
    nn::MultiHeadAttention self(12, {.heads = 4, .key_heads = key_heads}, random);
    fill(cross);
    self.cast_parameters(DType::f64);
    const autograd::NoGrad no_grad;
    std::map<std::string, Tensor> from;
    for (const auto& parameter : cross.parameters()) from[parameter.name] = parameter.tensor;
    for (const char* part : {"weight", "bias"}) {
      const std::string end = std::string(".") + part;
      from["qkv" + end] = op::concatenate({from.at("query" + end), from.at("key_value" + end)}, 0);
      from.erase("query" + end);
      from.erase("key_value" + end);
    }
    self.load(from);
    const Tensor x = random_tensor({2, 5, 12}, DType::f64, 60);
    EXPECT_TRUE(test::close(cross.forward(x, cross.project(x)), self.forward(x), 1e-12, 1e-12));
  }
}

struct Recorder : attention::Observer {
  bool wants(std::int64_t layer) override { return layer == 3; }
  void observe(std::int64_t, const Tensor& weights) override { seen = weights; }
  Tensor seen;
};

TEST(CrossAttention, ObserverGetsTheWeightsAndStepsEqualTheWhole) {
  Generator random(1);
  CrossAttention layer(12, {.heads = 4}, random);
  fill(layer);
  const Tensor x = random_tensor({2, 5, 12}, DType::f64, 60);
  const auto memory = layer.project(random_tensor({2, 7, 12}, DType::f64, 61));
  const Tensor whole = layer.forward(x, memory).detach();
  Recorder recorder;
  EXPECT_TRUE(test::same_bits(layer.forward(x, memory, {.observer = &recorder, .layer = 3}).detach(), whole));
  ASSERT_TRUE(recorder.seen.defined());
  EXPECT_TRUE(recorder.seen.shape() == Shape({2, 4, 5, 7}));
  for (std::int64_t i = 0; i < 5; ++i)
    EXPECT_TRUE(test::close(layer.forward(op::slice(x, 1, i, i + 1), memory).detach(),
                            op::slice(whole, 1, i, i + 1), 1e-12, 1e-12));
}

TEST(CrossAttention, RefusesWhatDoesNotFit) {
  Generator random(1);
  EXPECT_ERROR(CrossAttention(12, {.heads = 5}, random), "heads 5 do not divide dim 12");
  EXPECT_ERROR(CrossAttention(12, {.heads = 4, .key_heads = 3}, random), "key_heads 3 do not divide heads 4");
  EXPECT_ERROR(CrossAttention(12, {.heads = 2, .rotary = std::make_shared<nn::Rotary>(4, 6)}, random),
               "rotary positions in cross-attention");
  for (const char* name : {"alibi", "window", "shaw", "prefix", "big_bird", "adaptive_span"})
    EXPECT_ERROR(CrossAttention(12, {.heads = 2, .attention = attention::mechanism(name)}, random),
                 "cross-attention: a mask or positions that depend on places");
  EXPECT_ERROR(CrossAttention(12, {.heads = 2, .attention = attention::scaled_dot(true)}, random),
               "that depend on places");
  const CrossAttention layer(12, {.heads = 4}, random);
  EXPECT_ERROR(layer.project(Tensor::zeros({2, 12})), "cross-attention, memory");
  const auto memory = layer.project(Tensor::zeros({2, 3, 12}));
  EXPECT_ERROR(layer.forward(Tensor::zeros({2, 3, 8}), memory), "cross-attention, x");
}

}  // namespace
}  // namespace attend
