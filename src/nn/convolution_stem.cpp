#include "attend/nn/convolution_stem.h"

#include <fmt/format.h>

#include <bit>

#include "attend/base/error.h"

namespace attend::nn {

void ConvolutionStem::check(std::int64_t dim, std::int64_t patch) {
  if (patch < 2 || !std::has_single_bit(static_cast<std::uint64_t>(patch)))
    throw Error(fmt::format("patch {}: a stem of convolutions needs a power of two of at least 2", patch));
  if (dim < 1 || dim % (patch / 2) != 0)
    throw Error(fmt::format("dim {}: a stem of convolutions needs a multiple of {}, half of patch {}", dim,
                            patch / 2, patch));
}

ConvolutionStem::ConvolutionStem(std::int64_t channels, std::int64_t dim, std::int64_t patch,
                                 Generator& random)
    : channels_(channels), dim_(dim) {
  check(dim, patch);
  std::int64_t in = channels;
  for (std::int64_t out = dim / (patch / 2); out <= dim; out *= 2) {
    const std::size_t i = convolutions_.size();
    convolutions_.push_back(std::make_unique<Convolution>(
        in, out, ConvolutionOptions{.kernel = 3, .geometry = {.stride = 2, .padding = 1}, .bias = false},
        random));
    add_child(fmt::format("convolutions.{}", i), *convolutions_.back());
    norms_.push_back(std::make_unique<BatchNorm>(out, BatchNormOptions{.relu = true}));
    add_child(fmt::format("norms.{}", i), *norms_.back());
    in = out;
  }
  output_ = std::make_unique<Convolution>(in, dim, ConvolutionOptions{.kernel = 1}, random);
  add_child("output", *output_);
}

Tensor ConvolutionStem::forward(const Tensor& x, const Run& run) const {
  Tensor features = x;
  for (std::size_t i = 0; i < convolutions_.size(); ++i)
    features = norms_[i]->forward(convolutions_[i]->forward(features), run);
  return output_->forward(features);
}

double ConvolutionStem::flops(std::int64_t height, std::int64_t width) const {
  double total = 0;
  std::int64_t in = channels_, rows = height, columns = width;
  for (std::size_t i = 0; i < convolutions_.size(); ++i) {
    const std::int64_t out = dim_ >> (convolutions_.size() - 1 - i);
    rows = (rows + 1) / 2;
    columns = (columns + 1) / 2;
    total += 2.0 * static_cast<double>(rows * columns) * static_cast<double>(9 * in * out);
    in = out;
  }
  return total + 2.0 * static_cast<double>(rows * columns) * static_cast<double>(in * dim_);
}

}  // namespace attend::nn
