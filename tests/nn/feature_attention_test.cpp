#include "attend/nn/feature_attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "attend/autograd/tape.h"
#include "attend/base/parallel.h"
#include "backend/cast.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/golden.h"
#include "support/gradient_check.h"
#include "support/precision_check.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using nn::FeatureAttention;
using nn::FeatureAttentionKind;
using nn::FeatureAttentionOptions;
using test::random_tensor;

constexpr FeatureAttentionKind kKinds[] = {FeatureAttentionKind::squeeze_excitation,
                                           FeatureAttentionKind::efficient_channel,
                                           FeatureAttentionKind::cbam,
                                           FeatureAttentionKind::self,
                                           FeatureAttentionKind::windows,
                                           FeatureAttentionKind::focal};

/// What begins as the identity: x and a part whose last projection starts at zero.
bool adds_to_its_input(FeatureAttentionKind kind) {
  return kind == FeatureAttentionKind::self || kind == FeatureAttentionKind::windows ||
         kind == FeatureAttentionKind::focal;
}

std::unique_ptr<FeatureAttention> made(FeatureAttentionKind kind, std::int64_t channels,
                                       const FeatureAttentionOptions& options = {}) {
  Generator random(5);
  return nn::make_feature_attention(kind, channels, options, random);
}

/// Larger numbers than those of a start, biases and last projections included.
void stir(FeatureAttention& layer, DType dtype = DType::f32) {
  layer.cast_parameters(dtype);
  std::uint64_t seed = 70;
  for (const auto& parameter : layer.parameters())
    parameter.tensor.copy_from(
        random_tensor(parameter.tensor.shape(), parameter.tensor.dtype(), ++seed, -0.8, 0.8));
}

Tensors tensors_of(const FeatureAttention& layer) {
  Tensors result;
  for (const auto& parameter : layer.parameters()) result.push_back(parameter.tensor);
  return result;
}

/// Collects what it is told of the layers that it wants.
struct Recorder : attention::Observer {
  std::int64_t wanted = -1;  ///< -1: all
  std::vector<std::int64_t> asked, layers;
  std::vector<attention::Gates> gates;
  Tensors weights;

  bool wants(std::int64_t layer) override {
    asked.push_back(layer);
    return wanted < 0 || layer == wanted;
  }
  void observe(std::int64_t layer, const Tensor& told) override {
    layers.push_back(layer);
    weights.push_back(told);
  }
  void observe_gates(std::int64_t layer, const attention::Gates& told) override {
    layers.push_back(layer);
    gates.push_back(told);
  }
};

TEST(FeatureAttention, AgreesWithPyTorch) {
  struct Case {
    FeatureAttentionKind kind;
    std::int64_t channels;
    FeatureAttentionOptions options;
    std::string file = "image_models.safetensors", name = {};
  };
  const std::string newer = "feature_attention.safetensors";
  for (const Case& one :
       {Case{FeatureAttentionKind::squeeze_excitation, 12, {.reduction = 2}},
        Case{FeatureAttentionKind::efficient_channel, 12, {}}, Case{FeatureAttentionKind::cbam, 4, {}},
        Case{FeatureAttentionKind::self, 8, {.head_channels = 4}},
        Case{FeatureAttentionKind::windows, 4, {.head_channels = 2, .window = 2}, newer},
        Case{FeatureAttentionKind::windows,
             4,
             {.head_channels = 2, .window = 2, .shifted = true},
             newer,
             "windows_shifted"},
        Case{FeatureAttentionKind::focal, 3, {}, newer}}) {
    const auto& [kind, channels, options, file, name] = one;
    const auto expected = test::load_golden(file, name.empty() ? std::string(name_of(kind)) : name);
    // bf16 keeps 8 bits: some ten roundings on the way, and sums of them in the gradients.
    for (const auto& [dtype, tolerance] :
         {std::pair{DType::f64, 1e-12}, {DType::f32, 2e-5}, {DType::bf16, 8e-2}}) {
      const auto layer = made(kind, channels, options);
      layer->cast_parameters(DType::f64);
      Tensors leaves = tensors_of(*layer);
      ASSERT_EQ(leaves.size() + 1, expected.inputs.size());
      for (std::size_t i = 0; i < leaves.size(); ++i) leaves[i].copy_from(expected.inputs[i + 1]);
      if (dtype != DType::f64) layer->cast_parameters(DType::f32);
      leaves = tensors_of(*layer);
      leaves.insert(leaves.begin(), backend::cast(expected.inputs[0], dtype));
      autograd::set_requires_grad(leaves[0]);
      const Tensor y = layer->forward(leaves[0], {}, 0);
      EXPECT_EQ(y.dtype(), dtype);
      EXPECT_TRUE(test::close(y.detach(), expected.outputs[0], tolerance, tolerance))
          << name_of(kind) << ", " << name_of(dtype);
      const Tensors gradients =
          autograd::gradients({y}, leaves, {backend::cast(expected.cotangents[0], dtype)});
      for (std::size_t i = 0; i < leaves.size(); ++i)
        EXPECT_TRUE(test::close(gradients[i], expected.gradients[i], tolerance, 2 * tolerance))
            << name_of(kind) << ", " << name_of(dtype) << ", gradient of input " << i;
    }
  }
}

TEST(FeatureAttention, GradientsMatchFiniteDifferences) {
  // Thousands of steps over tensors so small that two threads would mostly wait for each other.
  const int before = threads();
  set_threads(1);
  for (const FeatureAttentionKind kind : kKinds) {
    const auto layer = made(kind, 6, {.reduction = 2, .head_channels = 3, .window = 2, .shifted = true});
    stir(*layer, DType::f64);
    Tensors inputs = tensors_of(*layer);
    inputs.insert(inputs.begin(), random_tensor({2, 3, 2, 6}, DType::f64, 2));
    EXPECT_TRUE(
        test::gradients_match([&](const Tensors& x) { return Tensors{layer->forward(x[0], {}, 0)}; }, inputs))
        << name_of(kind);
  }
  set_threads(before);
}

TEST(FeatureAttention, TellsGatesThatItMultipliesBy) {
  for (const DType dtype : {DType::f32, DType::bf16})
    for (const FeatureAttentionKind kind : kKinds) {
      if (adds_to_its_input(kind)) continue;
      const auto layer = made(kind, 6, {.reduction = 2});
      stir(*layer);
      const Tensor x = random_tensor({2, 3, 5, 6}, dtype, 2, -4, 4);
      Recorder recorder;
      const Tensor y = layer->forward(x, {.observer = &recorder}, 3);
      EXPECT_EQ(recorder.asked, (std::vector<std::int64_t>{3}));
      EXPECT_EQ(recorder.layers, (std::vector<std::int64_t>{3}));
      ASSERT_EQ(recorder.gates.size(), 1u);
      const attention::Gates gates = recorder.gates[0];
      EXPECT_TRUE(gates.channels.shape() == Shape({2, 6}));
      EXPECT_EQ(gates.channels.dtype(), DType::f32);
      EXPECT_EQ(gates.places.defined(), kind == FeatureAttentionKind::cbam);
      Tensor places = Tensor::full({2, 3, 5}, 1);
      if (gates.places.defined()) {
        places = gates.places;
        EXPECT_TRUE(places.shape() == Shape({2, 3, 5}));
        EXPECT_EQ(places.dtype(), DType::f32);
      }
      for (const Tensor& gate : {gates.channels, places})
        for (const float g : gate.to_vector<float>()) EXPECT_TRUE(g >= 0 && g <= 1) << g;
      // Gates that are all alike would be of no use to this test.
      const auto seen = gates.channels.to_vector<float>();
      EXPECT_GT(*std::ranges::max_element(seen) - *std::ranges::min_element(seen), 0.05);
      std::vector<double> expected = x.to_vector<double>();
      for (std::size_t i = 0; i < expected.size(); ++i)
        expected[i] *= static_cast<double>(gates.channels.data<float>()[i / 90 * 6 + i % 6]) *
                       static_cast<double>(places.data<float>()[i / 6]);
      const double tolerance = dtype == DType::f32 ? 1e-6 : 1e-2;
      EXPECT_TRUE(test::close(y.detach(), Tensor::from(expected, x.shape()), tolerance, tolerance))
          << name_of(kind);
    }
}

TEST(FeatureAttention, TellsTheWeightsOfEveryPlace) {
  const auto layer = made(FeatureAttentionKind::self, 6, {.head_channels = 3});
  stir(*layer);
  Recorder recorder;
  layer->forward(random_tensor({2, 3, 5, 6}, DType::f32, 2, -4, 4), {.observer = &recorder}, 3);
  EXPECT_EQ(recorder.layers, (std::vector<std::int64_t>{3}));
  ASSERT_EQ(recorder.weights.size(), 1u);
  EXPECT_TRUE(recorder.weights[0].shape() == Shape({2, 2, 15, 15}));
  const auto weights = recorder.weights[0].to_vector<float>();
  for (std::size_t row = 0; row < weights.size(); row += 15) {
    const auto begin = weights.begin() + static_cast<std::ptrdiff_t>(row);
    EXPECT_NEAR(std::accumulate(begin, begin + 15, 0.0), 1, 1e-5);
  }
}

TEST(FeatureAttention, ObservingChangesNoBit) {
  for (const DType dtype : {DType::f32, DType::bf16})
    for (const FeatureAttentionKind kind : kKinds) {
      const auto layer = made(kind, 6, {.reduction = 2, .head_channels = 3, .window = 2, .shifted = true});
      stir(*layer);
      const Tensor x = random_tensor({2, 3, 5, 6}, dtype, 2);
      const auto run = [&](attention::Observer* observer) {
        const Tensor y = layer->forward(x, {.observer = observer}, 1);
        Tensors result = autograd::gradients({y}, tensors_of(*layer), {random_tensor(y.shape(), dtype, 3)});
        result.push_back(y.detach());
        return result;
      };
      Recorder all, none;
      none.wanted = 7;
      const Tensors plain = run(nullptr), observed = run(&all), unwanted = run(&none);
      EXPECT_EQ(all.layers.size(), 1u);
      EXPECT_TRUE(none.layers.empty()) << name_of(kind);
      for (std::size_t i = 0; i < plain.size(); ++i) {
        EXPECT_TRUE(test::same_bits(plain[i], observed[i])) << name_of(kind);
        EXPECT_TRUE(test::same_bits(plain[i], unwanted[i])) << name_of(kind);
      }
    }
}

TEST(FeatureAttention, WhatAddsToItsInputStartsAsTheIdentity) {
  const Tensor x = random_tensor({2, 3, 5, 8}, DType::f32, 2);
  for (const FeatureAttentionKind kind : kKinds) {
    const auto layer = made(kind, 8);
    const Tensor y = layer->forward(x, {}, 0);
    EXPECT_EQ(test::same_bits(y.detach(), x), adds_to_its_input(kind)) << name_of(kind);
    if (!adds_to_its_input(kind)) continue;
    // And learns all the same.
    const Tensors gradients =
        autograd::gradients({y}, tensors_of(*layer), {random_tensor(x.shape(), DType::f32, 3)});
    double size = 0;
    for (std::size_t i = 0; i < gradients.size(); ++i)
      if (layer->parameters()[i].name.ends_with("output.weight"))
        for (const double g : gradients[i].to_vector<double>()) size += g * g;
    EXPECT_GT(size, 1e-3) << name_of(kind);
  }
}

TEST(FeatureAttention, TellsTheWeightsWithinWindows) {
  for (const bool shifted : {false, true}) {
    const auto layer =
        made(FeatureAttentionKind::windows, 6, {.head_channels = 3, .window = 2, .shifted = shifted});
    stir(*layer);
    Recorder recorder;
    layer->forward(random_tensor({2, 3, 5, 6}, DType::f32, 2, -4, 4), {.observer = &recorder}, 3);
    EXPECT_EQ(recorder.layers, (std::vector<std::int64_t>{3}));
    ASSERT_EQ(recorder.weights.size(), 1u);
    ASSERT_TRUE(recorder.weights[0].shape() == Shape({2, 2, 15, 15}));
    const float* weights = recorder.weights[0].data<float>();
    // The window of a place, by its row and column.
    const auto window_of = [&](std::int64_t place) {
      const std::int64_t shift = shifted ? 1 : 0;
      return std::pair{(place / 5 + shift) / 2, (place % 5 + shift) / 2};
    };
    for (std::int64_t row = 0; row < 4 * 15; ++row) {
      double sum = 0;
      for (std::int64_t key = 0; key < 15; ++key) {
        const float weight = weights[row * 15 + key];
        EXPECT_EQ(weight > 0, window_of(row % 15) == window_of(key)) << row << ", " << key;
        sum += static_cast<double>(weight);
      }
      EXPECT_NEAR(sum, 1, 1e-5);
    }
  }
}

TEST(FeatureAttention, FocalModulationTellsHowStronglyItChangesEachPlace) {
  const auto layer = made(FeatureAttentionKind::focal, 6);
  stir(*layer);
  Recorder recorder;
  layer->forward(random_tensor({2, 3, 5, 6}, DType::f32, 2, -4, 4), {.observer = &recorder}, 3);
  ASSERT_EQ(recorder.gates.size(), 1u);
  EXPECT_FALSE(recorder.gates[0].channels.defined());
  ASSERT_TRUE(recorder.gates[0].places.shape() == Shape({2, 3, 5}));
  const auto strength = recorder.gates[0].places.to_vector<float>();
  for (auto picture = strength.begin(); picture != strength.end(); picture += 15) {
    EXPECT_EQ(*std::max_element(picture, picture + 15), 1);
    const float least = *std::min_element(picture, picture + 15);
    EXPECT_TRUE(least >= 0 && least < 0.9) << least;
  }
}

TEST(FeatureAttention, SameBitsForOneThreadAndTwo) {
  for (const FeatureAttentionKind kind : kKinds) {
    const auto layer = made(kind, 32);
    stir(*layer);
    EXPECT_TRUE(
        test::same_bits_for_threads([&](const Tensors& x) { return Tensors{layer->forward(x[0], {}, 0)}; },
                                    {random_tensor({3, 9, 7, 32}, DType::f32, 2)}))
        << name_of(kind);
  }
}

TEST(FeatureAttention, ReductionAndHeadChannelsGiveTheSizes) {
  const auto shape_of = [](FeatureAttentionKind kind, std::int64_t channels,
                           const FeatureAttentionOptions& options, const std::string& name) {
    for (const auto& parameter : made(kind, channels, options)->parameters())
      if (parameter.name == name) return parameter.tensor.shape();
    ADD_FAILURE() << "no parameter " << name;
    return Shape{};
  };
  for (const auto kind : {FeatureAttentionKind::squeeze_excitation, FeatureAttentionKind::cbam}) {
    const std::string squeeze = "excitation.squeeze.weight";
    EXPECT_TRUE(shape_of(kind, 64, {}, squeeze) == Shape({8, 64}));
    EXPECT_TRUE(shape_of(kind, 64, {.reduction = 4}, squeeze) == Shape({16, 64}));
    EXPECT_TRUE(shape_of(kind, 16, {}, squeeze) == Shape({4, 16}));  // at least 4
    EXPECT_TRUE(shape_of(kind, 1, {}, squeeze) == Shape({4, 1}));
  }
  struct Width {
    std::int64_t channels, width;
  };
  // The paper's |log2(C) / 2 + 1 / 2|, made odd.
  for (const auto& [channels, width] :
       {Width{1, 1}, {2, 1}, {7, 1}, {8, 3}, {64, 3}, {127, 3}, {128, 5}, {512, 5}})
    EXPECT_TRUE(shape_of(FeatureAttentionKind::efficient_channel, channels, {}, "along_channels.weight") ==
                Shape({1, 1, 1, width}))
        << channels;
  const auto heads_of = [&](std::int64_t channels, std::int64_t head_channels) {
    const auto layer = made(FeatureAttentionKind::self, channels, {.head_channels = head_channels});
    Recorder recorder;
    layer->forward(random_tensor({1, 2, 2, channels}, DType::f32, 2), {.observer = &recorder}, 0);
    return recorder.weights.at(0).dim(1);
  };
  EXPECT_EQ(heads_of(64, 16), 4);
  EXPECT_EQ(heads_of(64, 8), 8);
  EXPECT_EQ(heads_of(8, 16), 1);
  EXPECT_EQ(heads_of(10, 3), 2);  // three do not divide ten
  EXPECT_EQ(heads_of(7, 2), 1);
  EXPECT_EQ(heads_of(512, 512), 2);  // a head has at most 256 features
  EXPECT_EQ(heads_of(257, 16), 257);
}

TEST(FeatureAttention, NamesGoThereAndBack) {
  for (const auto kind :
       {FeatureAttentionKind::none, FeatureAttentionKind::squeeze_excitation,
        FeatureAttentionKind::efficient_channel, FeatureAttentionKind::cbam, FeatureAttentionKind::self})
    EXPECT_EQ(nn::feature_attention_from_name(name_of(kind)), kind);
  EXPECT_EQ(name_of(FeatureAttentionKind::squeeze_excitation), "se");
  EXPECT_EQ(name_of(FeatureAttentionKind::efficient_channel), "eca");
  EXPECT_ERROR(nn::feature_attention_from_name("sse"), "'sse': there are none, se, eca, cbam, self");
  EXPECT_ERROR(nn::feature_attention_from_name(""), "none, se, eca, cbam, self");
}

TEST(FeatureAttention, NamesWhatDoesNotFit) {
  EXPECT_EQ(made(FeatureAttentionKind::none, 4), nullptr);
  EXPECT_ERROR(made(FeatureAttentionKind::none, 0), "attention over 0 channels: at least 1 needed");
  for (const FeatureAttentionKind kind : kKinds) {
    SCOPED_TRACE(std::string(name_of(kind)));
    EXPECT_ERROR(made(kind, 0), "attention over 0 channels: at least 1 needed");
    const auto layer = made(kind, 8);
    for (const Shape& shape : {Shape{2, 3, 8}, Shape{2, 3, 3, 7}, Shape{8}, Shape{2, 3, 3, 8, 1}})
      EXPECT_ERROR(layer->forward(Tensor::zeros(shape), {}, 0), "[batch, height, width, 8] needed");
    EXPECT_ERROR(layer->forward(Tensor::zeros({2, 0, 3, 8}), {}, 0), "[batch, height, width, 8] needed");
    EXPECT_ERROR(layer->forward(Tensor(), {}, 0), "[batch, height, width, 8] needed");
    EXPECT_ERROR(layer->forward(Tensor::zeros({2, 3, 3, 8}, DType::i32), {}, 0), "i32");
  }
}

}  // namespace
}  // namespace attend
