#include "task/image_generate/perceptual_loss.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
#include "attend/op/reduce.h"
#include "attend/op/unary.h"

namespace attend::task {

namespace {

constexpr double kLeastVariance = 0.01;  // in parts of the mean of all channels

std::string name_of(const std::filesystem::path& folder) {
  return fmt::format("perceptual {}", folder.string());
}

/// 1 / variance of each channel of maps [batch, height, width, channels].
Tensor precisions(const Tensor& maps) {
  const auto mean = op::mean(maps, {.axes = {0, 1, 2}}).to_vector<double>();
  auto values = op::mean(op::square(maps), {.axes = {0, 1, 2}}).to_vector<double>();
  for (std::size_t c = 0; c < values.size(); ++c) values[c] = std::max(values[c] - mean[c] * mean[c], 0.0);
  const double least = std::max(kLeastVariance * std::accumulate(values.begin(), values.end(), 0.0) /
                                    static_cast<double>(values.size()),
                                1e-12);
  std::vector<float> result;
  for (const double variance : values) result.push_back(static_cast<float>(1 / (variance + least)));
  return Tensor::from(result, {static_cast<std::int64_t>(result.size())});
}

}  // namespace

PerceptualLoss::PerceptualLoss(const std::filesystem::path& folder, const model::PictureShape& shape)
    : classifier_(folder),
      network_(dynamic_cast<const model::ResidualCnn*>(&classifier_.model())),
      input_(classifier_.config(), shape, {}, name_of(folder)) {
  if (network_ == nullptr)
    throw Error(
        fmt::format("{}: a residual network (--model cnn) needed, whose maps are compared", name_of(folder)));
  for (const auto& parameter : network_->parameters()) autograd::set_requires_grad(parameter.tensor, false);
}

Tensor PerceptualLoss::operator()(const Tensor& made, const Tensor& real, DType compute) const {
  nn::Run run;
  run.compute = compute;
  const auto maps_of = [&](const Tensor& pictures) {
    autograd::Tensors maps = network_->stage_maps(input_.of(pictures), run);
    for (Tensor& map : maps) map = op::cast(map, DType::f32);
    return maps;
  };
  autograd::Tensors expected, weights;
  {
    const autograd::NoGrad no_grad;
    expected = maps_of(real);
    for (const Tensor& maps : expected) weights.push_back(precisions(maps));
  }
  const autograd::Tensors found = maps_of(made);
  Tensor sum;
  for (std::size_t stage = 0; stage < found.size(); ++stage) {
    const Tensor error =
        op::mean(op::square(op::subtract(found[stage], expected[stage])), {.axes = {0, 1, 2}});
    const Tensor share = op::mean(op::multiply(error, weights[stage]));
    sum = sum.defined() ? op::add(sum, share) : share;
  }
  const std::int64_t numbers = real.elements() / real.dim(0);
  return op::scale(sum, static_cast<double>(numbers) / static_cast<double>(found.size()));
}

}  // namespace attend::task
