#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "attend/autograd/tape.h"
#include "attend/base/parallel.h"
#include "attend/model/image_classifier.h"
#include "attend/op/cross_entropy.h"
#include "attend/train/optimizer.h"
#include "support/random_tensor.h"

/// What tests of networks that classify pictures share.
namespace attend::test {

struct TinyPictures {
  Tensor pictures;  ///< f32 [count, 8, 8, 1]
  Tensor labels;    ///< i32 [count]
};

/// Noise of which one quarter is brighter: which one?
inline TinyPictures tiny_pictures(std::int64_t count, std::uint64_t seed) {
  TinyPictures result{.pictures = random_tensor({count, 8, 8, 1}, DType::f32, seed, -0.5, 0.5),
                      .labels = random_integers({count}, 4, seed + 1)};
  for (std::int64_t i = 0; i < count; ++i)
    for (std::int64_t y = 0; y < 4; ++y)
      for (std::int64_t x = 0; x < 4; ++x) {
        const std::int64_t quarter = result.labels.data<std::int32_t>()[i];
        result.pictures.data<float>()[(i * 8 + y + quarter / 2 * 4) * 8 + x + quarter % 2 * 4] += 1;
      }
  return result;
}

/// The share of new pictures that a model with 4 classes gets right after some updates of AdamW. On one
/// thread: tensors are so small that two would mostly wait for each other.
inline double accuracy_after_training(const model::ImageClassifier& model, int updates,
                                      double learning_rate) {
  const int threads_before = threads();
  set_threads(1);
  train::AdamW optimizer(model.parameters(), {.weight_decay = 0});
  Generator random(3);
  for (int step = 0; step < updates; ++step) {
    const TinyPictures batch = tiny_pictures(32, 100 + 2 * static_cast<std::uint64_t>(step));
    autograd::backward(
        op::cross_entropy(model.logits(batch.pictures, {.training = true, .random = &random}), batch.labels));
    optimizer.step(learning_rate);
    train::clear_gradients(model.parameters());
  }
  const autograd::NoGrad no_grad;
  const TinyPictures unseen = tiny_pictures(200, 7);
  const std::vector<float> logits = model.logits(unseen.pictures).to_vector<float>();
  int right = 0;
  for (std::size_t i = 0; i < 200; ++i) {
    const auto begin = logits.begin() + static_cast<std::ptrdiff_t>(4 * i);
    right += std::max_element(begin, begin + 4) - begin == unseen.labels.data<std::int32_t>()[i];
  }
  set_threads(threads_before);
  return right / 200.0;
}

/// Numbers that depend on the name and the shape alone, so that two models share the parameters that both
/// have; those of buffers are positive.
inline void fill_by_name(nn::Module& module, DType dtype = DType::f64) {
  module.cast_parameters(dtype);
  for (const auto& parameter : module.parameters()) {
    std::uint64_t seed = 1;
    for (const char c : parameter.name) seed = seed * 131 + static_cast<unsigned char>(c);
    parameter.tensor.copy_from(random_tensor(parameter.tensor.shape(), parameter.tensor.dtype(), seed,
                                             parameter.trainable ? -0.8 : 0.5,
                                             parameter.trainable ? 0.8 : 1.5));
  }
}

/// "name [shape]" of every parameter.
inline std::string parameter_list(const nn::Module& module) {
  std::string text;
  for (const auto& parameter : module.parameters())
    text += parameter.name + " " + parameter.tensor.shape().text() + "\n";
  return text;
}

/// Passes when the two have other shapes or differ by more than rounding.
inline ::testing::AssertionResult differ(const Tensor& a, const Tensor& b) {
  if (!(a.shape() == b.shape())) return ::testing::AssertionSuccess();
  const auto x = a.to_vector<double>(), y = b.to_vector<double>();
  for (std::size_t i = 0; i < x.size(); ++i)
    if (std::abs(x[i] - y[i]) > 1e-6) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "the same numbers";
}

/// The loss of a batch in training, the gradients of all parameters, and the buffers after it.
inline autograd::Tensors training_step(const model::ImageClassifier& model, const Tensor& pictures,
                                       const Tensor& labels, bool recompute_blocks = false) {
  Generator random(9);
  const Tensor loss = op::cross_entropy(
      model.logits(pictures, {.training = true, .random = &random, .recompute_blocks = recompute_blocks}),
      labels);
  autograd::backward(loss);
  autograd::Tensors result = {loss.detach()};
  for (const auto& parameter : model.parameters())
    result.push_back(parameter.trainable ? autograd::grad(parameter.tensor) : parameter.tensor);
  return result;
}

}  // namespace attend::test
