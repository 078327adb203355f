#include "attend/nn/spatial_transformer.h"

#include <gtest/gtest.h>

#include "attend/autograd/tape.h"
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
using nn::SpatialTransformer;
using test::random_tensor;

SpatialTransformer made(std::int64_t channels) {
  Generator random(5);
  return SpatialTransformer(channels, random);
}

Tensors tensors_of(const SpatialTransformer& layer) {
  Tensors result;
  for (const auto& parameter : layer.parameters()) result.push_back(parameter.tensor);
  return result;
}

/// Not the identity any more: turned, shrunk and moved by what the picture shows.
void stir(const SpatialTransformer& layer) {
  for (const auto& parameter : layer.parameters())
    if (parameter.name == "theta.weight")
      parameter.tensor.copy_from(random_tensor(parameter.tensor.shape(), parameter.tensor.dtype(), 8, -1, 1));
}

struct Recorder : attention::Observer {
  std::vector<std::int64_t> layers;
  Tensors thetas;

  bool wants(std::int64_t) override { return true; }
  void observe(std::int64_t, const Tensor&) override { ADD_FAILURE() << "there are no weights"; }
  void observe_affine(std::int64_t layer, const Tensor& theta) override {
    layers.push_back(layer);
    thetas.push_back(theta);
  }
};

TEST(SpatialTransformer, AgreesWithPyTorch) {
  const auto expected = test::load_golden("feature_attention.safetensors", "spatial_transformer");
  for (const auto& [dtype, tolerance] : {std::pair{DType::f64, 1e-11}, {DType::f32, 5e-5}}) {
    SpatialTransformer layer = made(2);
    layer.cast_parameters(DType::f64);
    Tensors leaves = tensors_of(layer);
    ASSERT_EQ(leaves.size() + 1, expected.inputs.size());
    for (std::size_t i = 0; i < leaves.size(); ++i) leaves[i].copy_from(expected.inputs[i + 1]);
    layer.cast_parameters(dtype);
    leaves = tensors_of(layer);
    leaves.insert(leaves.begin(), backend::cast(expected.inputs[0], dtype));
    autograd::set_requires_grad(leaves[0]);
    const Tensor y = layer.forward(leaves[0], {}, 0);
    EXPECT_TRUE(test::close(y.detach(), expected.outputs[0], tolerance, tolerance)) << name_of(dtype);
    const Tensors gradients =
        autograd::gradients({y}, leaves, {backend::cast(expected.cotangents[0], dtype)});
    for (std::size_t i = 0; i < leaves.size(); ++i)
      EXPECT_TRUE(test::close(gradients[i], expected.gradients[i], tolerance, 2 * tolerance))
          << name_of(dtype) << ", gradient of input " << i;
  }
}

TEST(SpatialTransformer, StartsAsTheIdentity) {
  const Tensor x = random_tensor({2, 9, 7, 3}, DType::f32, 2);
  EXPECT_TRUE(test::close(made(3).forward(x, {}, 0).detach(), x, 1e-5, 1e-5));
}

TEST(SpatialTransformer, SinglePictureDoesNotDependOnItsNeighbours) {
  const SpatialTransformer layer = made(1);
  stir(layer);
  const Tensor x = random_tensor({3, 8, 8, 1}, DType::f32, 2);
  const auto all = layer.forward(x, {}, 0).detach().to_vector<float>();
  const auto values = x.to_vector<float>();
  const std::vector<float> last(values.begin() + 128, values.end());
  const auto alone = layer.forward(Tensor::from(last, {1, 8, 8, 1}), {}, 0).detach().to_vector<float>();
  EXPECT_EQ(alone, std::vector<float>(all.begin() + 128, all.end()));
}

TEST(SpatialTransformer, TellsTheObserverItsMapAndChangesNoBit) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    const SpatialTransformer layer = made(3);
    stir(layer);
    const Tensor x = random_tensor({2, 9, 7, 3}, dtype, 2);
    Recorder recorder;
    const Tensor y = layer.forward(x, {.observer = &recorder}, 4), plain = layer.forward(x, {}, 4);
    EXPECT_TRUE(test::same_bits(y.detach(), plain.detach()));
    EXPECT_EQ(y.dtype(), dtype);
    EXPECT_EQ(recorder.layers, (std::vector<std::int64_t>{4}));
    ASSERT_EQ(recorder.thetas.size(), 1u);
    EXPECT_TRUE(recorder.thetas[0].shape() == Shape({2, 2, 3}));
    EXPECT_TRUE(test::same_bits(recorder.thetas[0], layer.theta(x).detach()));
    // The pictures differ, and so do their maps.
    const auto theta = recorder.thetas[0].to_vector<float>();
    EXPECT_NE(theta[0], theta[6]);
  }
}

TEST(SpatialTransformer, SameBitsForOneThreadAndTwo) {
  const SpatialTransformer layer = made(3);
  stir(layer);
  EXPECT_TRUE(
      test::same_bits_for_threads([&](const Tensors& x) { return Tensors{layer.forward(x[0], {}, 0)}; },
                                  {random_tensor({5, 17, 15, 3}, DType::f32, 2)}));
}

TEST(SpatialTransformer, RefusesWhatDoesNotFit) {
  const SpatialTransformer layer = made(3);
  EXPECT_ERROR(layer.forward({}, {}, 0), "[batch, height, width, 3] needed");
  EXPECT_ERROR(layer.forward(Tensor::zeros({2, 4, 4, 1}), {}, 0), "[batch, height, width, 3] needed");
  EXPECT_ERROR(made(0), "at least 1");
}

}  // namespace
}  // namespace attend
