#include "attend/nn/spectral_norm.h"

#include <gtest/gtest.h>

#include <cmath>

#include "attend/autograd/tape.h"
#include "attend/base/parallel.h"
#include "attend/io/safetensors.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/gradient_check.h"
#include "support/random_tensor.h"

#include <cstring>

namespace attend {
namespace {

using autograd::Tensors;
using nn::SpectralNorm;

const nn::Run kTraining{.training = true};

Tensor named(const nn::Module& module, const std::string& name) {
  for (const auto& parameter : module.parameters())
    if (parameter.name == name) return parameter.tensor;
  return {};
}

Tensor golden(const std::string& name) {
  static const auto file =
      io::SafetensorsFile::open(std::string(ATTEND_GOLDEN_DIR) + "/image_generation.safetensors");
  for (const auto& entry : file.entries()) {
    if (entry.name != "spectral/" + name) continue;
    const Tensor tensor = Tensor::empty(Shape(entry.shape), entry.dtype);
    std::memcpy(tensor.raw(), entry.data.data(), entry.data.size());
    return tensor;
  }
  return {};
}

/// A norm in f64 whose tensors are given.
struct Given {
  Generator random{1};
  SpectralNorm norm;

  explicit Given(const Tensor& weight) : norm(weight.shape(), 1, random) {
    norm.cast_parameters(DType::f64);
    named(norm, "weight").copy_from(weight);
  }
  void set(const std::string& name, const Tensor& value) const { named(norm, name).copy_from(value); }
};

TEST(SpectralNormLayer, EqualsPyTorchs) {
  const Given given(golden("weight"));
  given.set("u", golden("u"));
  given.set("v", golden("v"));
  const Tensor value = given.norm.value(kTraining);
  EXPECT_TRUE(test::close(value.detach(), golden("value"), 1e-13, 1e-13));
  EXPECT_TRUE(test::close(named(given.norm, "u"), golden("next_u"), 1e-13, 1e-13));
  EXPECT_TRUE(test::close(named(given.norm, "v"), golden("next_v"), 1e-13, 1e-13));
  autograd::backward(value, golden("cotangent"));
  EXPECT_TRUE(test::close(autograd::grad(named(given.norm, "weight")), golden("gradient"), 1e-12, 1e-12));
  EXPECT_TRUE(test::close(given.norm.value({}).detach(), golden("later"), 1e-13, 1e-13));
  EXPECT_TRUE(test::close(named(given.norm, "u"), golden("next_u"), 1e-13, 1e-13)) << "inference iterates";
}

TEST(SpectralNormLayer, DividesByTheLargestSingularValue) {
  // The singular values of a diagonal matrix stand on it.
  const Given given(Tensor::from(std::vector<double>{0.5, 0, 0, 0, -3, 0}, {2, 3}));
  for (int i = 0; i < 40; ++i) given.norm.value(kTraining);
  EXPECT_TRUE(test::close(given.norm.value({}).detach(),
                          Tensor::from(std::vector<double>{0.5 / 3, 0, 0, 0, -1, 0}, {2, 3}), 1e-12, 1e-12));
}

TEST(SpectralNormLayer, GradientFollowsTheLargestSingularValue) {
  // With the vectors at their limit, the gradient that takes them as constants is that of the whole function.
  const auto divided = [](const Tensors& inputs) -> Tensors {
    // A difference of the weight moves the vectors too; 200 steps bring them to their new limit.
    const Given copy(inputs[0].detach());
    for (int i = 0; i < 200; ++i) copy.norm.value(kTraining);
    if (!autograd::is_recording({inputs[0]})) return {copy.norm.value({})};
    const Tensor value = copy.norm.value({});
    const Tensor weight = named(copy.norm, "weight"), result = value.detach();
    autograd::record("divided", {inputs[0]}, {result}, [value, weight](const Tensors& cotangents) {
      return autograd::gradients({value}, {weight}, {cotangents[0]});
    });
    return {result};
  };
  const Tensor weight = test::random_tensor({4, 2, 3}, DType::f64, 8);
  autograd::set_requires_grad(weight);
  EXPECT_TRUE(test::gradients_match(divided, {weight}));
}

TEST(SpectralNormLayer, SameBitsForAnyNumberOfThreads) {
  const int before = threads();
  Tensor values[2];
  for (const int count : {1, 2}) {
    set_threads(count);
    Generator random(5);
    const SpectralNorm norm({70, 33, 3, 3}, 0.1, random);
    values[count - 1] = norm.value(kTraining).detach();
  }
  set_threads(before);
  EXPECT_TRUE(test::same_bits(values[0], values[1]));
}

TEST(SpectralNormLayer, RefusesWhatItCannotDivide) {
  Generator random(1);
  EXPECT_ERROR(SpectralNorm({4}, 1, random), "at least two axes");
  EXPECT_ERROR(SpectralNorm({4, 0}, 1, random), "one element");
  SpectralNorm norm({2, 3}, 1, random);
  norm.cast_parameters(DType::bf16);
  EXPECT_ERROR(norm.value({}), "f32 or f64 needed");
}

}  // namespace
}  // namespace attend
