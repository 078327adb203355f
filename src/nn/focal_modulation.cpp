#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "attend/autograd/tape.h"
#include "attend/nn/convolution.h"
#include "attend/nn/linear.h"
#include "attend/op/activation.h"
#include "attend/op/arithmetic.h"
#include "attend/op/reduce.h"
#include "attend/op/shape.h"
#include "backend/cast.h"
#include "nn/feature_attention_kinds.h"
#include "nn/gates.h"

namespace attend::nn {

namespace {

constexpr std::int64_t kLevels = 2;

// The norm of what each place is multiplied by, in parts of the largest of its picture: [batch, height,
// width].
Tensor strength_of(const Tensor& modulator) {
  const std::int64_t batch = modulator.dim(0), places = modulator.dim(1) * modulator.dim(2),
                     channels = modulator.dim(3);
  const std::vector<float> values = backend::cast(modulator, DType::f32).to_vector<float>();
  const Tensor strength = Tensor::zeros({batch, modulator.dim(1), modulator.dim(2)});
  for (std::int64_t b = 0; b < batch; ++b) {
    float* norms = strength.data<float>() + b * places;
    for (std::int64_t p = 0; p < places; ++p) {
      const float* m = values.data() + (b * places + p) * channels;
      float squares = 0;
      for (std::int64_t c = 0; c < channels; ++c) squares += m[c] * m[c];
      norms[p] = std::sqrt(squares);
    }
    const float largest = *std::max_element(norms, norms + places);
    if (largest > 0) std::transform(norms, norms + places, norms, [&](float n) { return n / largest; });
  }
  return strength;
}

class FocalModulation : public FeatureAttention {
 public:
  FocalModulation(std::int64_t channels, Generator& random)
      : channels_(channels),
        into_(channels, 2 * channels + kLevels + 1, {.initialisation_std = start(channels)}, random),
        modulator_(channels, channels, {.initialisation_std = start(channels)}, random),
        output_(channels, channels, {.initialisation_std = 0}, random) {
    add_child("into", into_);
    for (std::int64_t level = 0; level < kLevels; ++level) {
      const std::int64_t kernel = 3 + 2 * level;
      contexts_.push_back(std::make_unique<Convolution>(
          channels, channels,
          ConvolutionOptions{
              .kernel = kernel, .geometry = {.padding = kernel / 2, .groups = channels}, .bias = false},
          random));
      add_child(fmt::format("contexts.{}", level), *contexts_.back());
    }
    add_child("modulator", modulator_);
    add_child("output", output_);
  }

  Tensor forward(const Tensor& x, const Run& run, std::int64_t layer) const override {
    check_maps(x, channels_);
    const autograd::Tensors parts = op::split(into_.forward(x), 3, {channels_, channels_, kLevels + 1});
    const Tensor& gates = parts[2];
    const auto gate = [&](std::int64_t level) { return op::slice(gates, 3, level, level + 1); };
    Tensor context = op::contiguous(parts[1]), sum;
    for (std::int64_t level = 0; level < kLevels; ++level) {
      context = op::activate(contexts_[static_cast<std::size_t>(level)]->forward(context), Activation::gelu);
      const Tensor gated = op::multiply(context, gate(level));
      sum = sum.defined() ? op::add(sum, gated) : gated;
    }
    const Tensor everywhere =
        op::activate(op::mean(context, {.axes = {1, 2}, .keep_axes = true}), Activation::gelu);
    const Tensor modulator = modulator_.forward(op::add(sum, op::multiply(gate(kLevels), everywhere)));
    if (is_observed(run, layer))
      run.observer->observe_gates(layer, {.channels = {}, .places = strength_of(modulator)});
    return op::add(x, output_.forward(op::multiply(parts[0], modulator)));
  }

 private:
  static double start(std::int64_t channels) { return std::sqrt(1 / static_cast<double>(channels)); }

  std::int64_t channels_;
  Linear into_;
  std::vector<std::unique_ptr<Convolution>> contexts_;
  Linear modulator_, output_;
};

}  // namespace

std::unique_ptr<FeatureAttention> make_focal_modulation(std::int64_t channels, Generator& random) {
  return std::make_unique<FocalModulation>(channels, random);
}

}  // namespace attend::nn
