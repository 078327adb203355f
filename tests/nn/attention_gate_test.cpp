#include "attend/nn/attention_gate.h"

#include <gtest/gtest.h>

#include "attend/base/parallel.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/golden.h"
#include "support/gradient_check.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using test::random_tensor;

constexpr nn::AttentionGateSizes kSizes{.features = 3, .gating = 5, .inner = 4};

/// The gate with parameters in the order in which the layer has them: weights of x, of g, and of the gate.
Tensor gated(const Tensors& in) {
  Generator random(1);
  nn::AttentionGate gate(kSizes, random);
  gate.cast_parameters(in[0].dtype());
  const auto parameters = gate.parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i].tensor.copy_from(in[i + 2]);
  return gate.forward(in[0], in[1], {}, 0);
}

TEST(AttentionGate, IsWhatPyTorchComputes) {
  const test::GoldenCase expected = test::load_golden("unet.safetensors", "gate");
  EXPECT_TRUE(test::close(gated(expected.inputs).detach(), expected.outputs[0], 1e-12, 1e-12));
}

TEST(AttentionGate, GradientsMatchFiniteDifferences) {
  Generator random(5);
  nn::AttentionGate gate(kSizes, random);
  gate.cast_parameters(DType::f64);
  Tensors inputs = {random_tensor({2, 4, 2, 3}, DType::f64, 1), random_tensor({2, 2, 1, 5}, DType::f64, 2)};
  for (const auto& parameter : gate.parameters()) {
    parameter.tensor.copy_from(random_tensor(parameter.tensor.shape(), DType::f64, inputs.size() + 3));
    inputs.push_back(parameter.tensor);
  }
  EXPECT_TRUE(test::gradients_match(
      [&](const Tensors& in) { return Tensors{gate.forward(in[0], in[1], {}, 0)}; }, inputs));
}

class GateCollector : public attention::Observer {
 public:
  bool wants(std::int64_t layer) override { return layer == 7; }
  void observe(std::int64_t, const Tensor&) override { FAIL() << "a gate has no weights of keys"; }
  void observe_gates(std::int64_t layer, const attention::Gates& gates) override {
    EXPECT_EQ(layer, 7);
    seen = gates;
    ++calls;
  }
  attention::Gates seen;
  int calls = 0;
};

TEST(AttentionGate, TheObserverGetsWhatPlacesAreMultipliedBy) {
  Generator random(5);
  const nn::AttentionGate gate(kSizes, random);
  const Tensor x = random_tensor({2, 4, 6, 3}, DType::f32, 1, 0.5, 1),
               gating = random_tensor({2, 2, 3, 5}, DType::f32, 2);
  GateCollector collector;
  const Tensor y = gate.forward(x, gating, {.observer = &collector}, 7);
  ASSERT_EQ(collector.calls, 1);
  EXPECT_FALSE(collector.seen.channels.defined());
  ASSERT_EQ(collector.seen.places.shape(), (Shape{2, 4, 6}));
  const auto places = collector.seen.places.to_vector<float>(), values = x.to_vector<float>(),
             results = y.to_vector<float>();
  for (std::size_t i = 0; i < results.size(); ++i) EXPECT_EQ(results[i], values[i] * places[i / 3]);
  // Looking changes nothing, and other layers are not looked at.
  EXPECT_TRUE(test::same_bits(gate.forward(x, gating, {}, 7).detach(), y.detach()));
  gate.forward(x, gating, {.observer = &collector}, 6);
  EXPECT_EQ(collector.calls, 1);
}

TEST(AttentionGate, OneThreadAndTwoGiveTheSameBits) {
  Generator random(5);
  const nn::AttentionGate gate({.features = 8, .gating = 16, .inner = 8}, random);
  const Tensor x = random_tensor({3, 30, 26, 8}, DType::f32, 1),
               gating = random_tensor({3, 15, 13, 16}, DType::f32, 2);
  const int before = threads();
  set_threads(1);
  const Tensor one = gate.forward(x, gating, {}, 0).detach();
  set_threads(2);
  EXPECT_TRUE(test::same_bits(one, gate.forward(x, gating, {}, 0).detach()));
  set_threads(before);
}

TEST(AttentionGate, RefusesWhatDoesNotFit) {
  Generator random(5);
  EXPECT_ERROR(nn::AttentionGate({.features = 0}, random), "0 channels by 1 in 1: at least 1");
  const nn::AttentionGate gate(kSizes, random);
  const Tensor x = Tensor::zeros({1, 4, 4, 3});
  EXPECT_ERROR(gate.forward(x, Tensor::zeros({1, 4, 4, 5}), {}, 0), "[batch, 2 height, 2 width, 3] by");
  EXPECT_ERROR(gate.forward(x, Tensor::zeros({1, 2, 2, 4}), {}, 0), "[batch, height, width, 5] needed");
  EXPECT_ERROR(gate.forward(x, Tensor::zeros({2, 2, 2, 5}), {}, 0), "needed");
  EXPECT_ERROR(gate.forward({}, Tensor::zeros({1, 2, 2, 5}), {}, 0), "undefined");
}

}  // namespace
}  // namespace attend
