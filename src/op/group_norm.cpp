#include "attend/op/group_norm.h"

#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "backend/cast.h"
#include "backend/kernels.h"
#include "op/chunk.h"
#include "op/feature_maps.h"
#include "op/view.h"

namespace attend::op {

namespace {

// One number for each channel of each image, [batch, channels].
using PerChannel = std::vector<double>;

// One application: its tensors, all dense and off the tape.
struct GroupNorm {
  FeatureMaps maps;
  std::int64_t groups = 1;
  double epsilon = 0;
  Tensor x = {}, weight = {}, bias = {};
  PerChannel mean = {}, rstd = {};  // of the group that a channel is in

  std::int64_t rows() const { return rows_of_chunk(maps.channels); }
  std::int64_t chunks() const { return (maps.pixels() + rows() - 1) / rows(); }  // of an image
  DType statistics() const { return parameter_dtype(x.dtype()); }

  // What kernels read of numbers for each channel: in the type that they compute with.
  Tensor narrow(const PerChannel& values) const {
    return backend::cast(Tensor::from(values, {maps.batch, maps.channels}), statistics());
  }

  // Calls body(image, chunk, first element, range) for ranges of the pixels of an image, on all threads;
  // chunks are numbered across images.
  template <class Range, class Body>
  void for_each_range(const Tensor& centre, const Tensor& dy, const Body& body) const {
    parallel_for(maps.batch * chunks(), 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const std::int64_t image = i / chunks(), first = i % chunks() * rows(),
                           element = (image * maps.pixels() + first) * maps.channels;
        Range range{{.dtype = x.dtype(),
                     .rows = std::min(rows(), maps.pixels() - first),
                     .columns = maps.channels,
                     .x = place(x, element),
                     .centre = place(centre, image * maps.channels),
                     .dy = place(dy, element)}};
        body(image, i, element, range);
      }
    });
  }

  struct Moments {
    PerChannel first, second;
  };
  Moments moments(const Tensor& centre, const Tensor& dy) const;
  void over_groups(PerChannel& values) const;
  void fill_statistics();
  Tensor result() const;
  struct Gradients {
    Tensor x, weight, bias;
  };
  Gradients gradients(const Tensor& dy, bool for_x, bool for_weight, bool for_bias) const;
};

// Sums over the pixels: of dy and of dy (x - centre), or with x - centre instead of an undefined dy.
GroupNorm::Moments GroupNorm::moments(const Tensor& centre, const Tensor& dy) const {
  // Each chunk has sums of its own; they are added in order, for the same bits with any number of threads.
  const Shape shape = {maps.batch * chunks(), maps.channels};
  const Tensor first = Tensor::empty(shape, statistics()), second = Tensor::empty(shape, statistics());
  for_each_range<backend::ChannelNormKernels::Moments>(
      centre, dy, [&](std::int64_t, std::int64_t chunk, std::int64_t, auto& range) {
        range.first = place(first, chunk * maps.channels);
        range.second = place(second, chunk * maps.channels);
        backend::kernels().channel_norm.moments(range);
      });
  const auto total = [&](const Tensor& partial) {
    const std::vector<double> parts = partial.to_vector<double>();
    const auto channels = static_cast<std::size_t>(maps.channels), each = static_cast<std::size_t>(chunks());
    PerChannel sums(static_cast<std::size_t>(maps.batch) * channels);
    for (std::size_t i = 0; i < parts.size(); ++i)
      sums[i / channels / each * channels + i % channels] += parts[i];
    return sums;
  };
  return {total(first), total(second)};
}

// Sets the numbers of a group to their sum divided by the number of its elements.
void GroupNorm::over_groups(PerChannel& values) const {
  const auto width = static_cast<std::size_t>(maps.channels / groups);
  const double elements = static_cast<double>(width) * static_cast<double>(maps.pixels());
  for (std::size_t first = 0; first < values.size(); first += width) {
    double sum = 0;
    for (std::size_t c = first; c < first + width; ++c) sum += values[c];
    for (std::size_t c = first; c < first + width; ++c) values[c] = sum / elements;
  }
}

void GroupNorm::fill_statistics() {
  PerChannel none(static_cast<std::size_t>(maps.batch * maps.channels));
  mean = moments(narrow(none), {}).first;
  over_groups(mean);
  // Around a mean that was rounded to the type of the sums; what was lost is taken off again.
  const Tensor centre = narrow(mean);
  Moments around = moments(centre, {});
  over_groups(around.first);
  over_groups(around.second);
  const std::vector<double> rounded = centre.to_vector<double>();
  rstd.resize(mean.size());
  for (std::size_t c = 0; c < mean.size(); ++c) {
    const double rest = around.first[c];
    mean[c] = rounded[c] + rest;
    rstd[c] = 1 / std::sqrt(std::max(around.second[c] - rest * rest, 0.0) + epsilon);
  }
}

Tensor GroupNorm::result() const {
  const Tensor centre = narrow(mean), y = Tensor::empty(x.shape(), x.dtype());
  const std::vector<double> rounded = centre.to_vector<double>();
  const auto w = weight.defined() ? weight.to_vector<double>() : std::vector<double>(),
             b = bias.defined() ? bias.to_vector<double>() : std::vector<double>();
  PerChannel slope = rstd, offset(mean.size());
  for (std::size_t i = 0; i < mean.size(); ++i) {
    const std::size_t c = i % static_cast<std::size_t>(maps.channels);
    if (!w.empty()) slope[i] *= w[c];
    offset[i] = (rounded[i] - mean[i]) * slope[i] + (b.empty() ? 0 : b[c]);
  }
  const Tensor slopes = narrow(slope), offsets = narrow(offset);
  for_each_range<backend::ChannelNormKernels::Apply>(
      centre, {}, [&](std::int64_t image, std::int64_t, std::int64_t element, auto& range) {
        range.slope = place(slopes, image * maps.channels);
        range.offset = place(offsets, image * maps.channels);
        range.y = place(y, element);
        backend::kernels().channel_norm.apply(range);
      });
  return y;
}

GroupNorm::Gradients GroupNorm::gradients(const Tensor& dy, bool for_x, bool for_weight,
                                          bool for_bias) const {
  const Tensor centre = narrow(mean);
  const std::vector<double> rounded = centre.to_vector<double>();
  const auto w = weight.defined() ? weight.to_vector<double>() : std::vector<double>();
  const auto channels = static_cast<std::size_t>(maps.channels);
  // Sums over the pixels of dy, and of dy times what was normalised.
  Moments sums = moments(centre, dy);
  for (std::size_t i = 0; i < mean.size(); ++i)
    sums.second[i] = rstd[i] * (sums.second[i] - (mean[i] - rounded[i]) * sums.first[i]);
  Gradients result;
  const auto over_images = [&](const PerChannel& values) {
    std::vector<double> total(channels);
    for (std::size_t i = 0; i < values.size(); ++i) total[i % channels] += values[i];
    return backend::cast(Tensor::from(total, {maps.channels}), statistics());
  };
  if (for_weight) result.weight = over_images(sums.second);
  if (for_bias) result.bias = over_images(sums.first);
  if (!for_x) return result;
  PerChannel factor = rstd, slope(mean.size()), offset(mean.size());
  for (std::size_t i = 0; i < mean.size() && !w.empty(); ++i) {
    factor[i] *= w[i % channels];
    sums.first[i] *= w[i % channels];
    sums.second[i] *= w[i % channels];
  }
  over_groups(sums.first);
  over_groups(sums.second);
  for (std::size_t i = 0; i < mean.size(); ++i) {
    slope[i] = -rstd[i] * rstd[i] * sums.second[i];
    offset[i] = -rstd[i] * sums.first[i] + (rounded[i] - mean[i]) * slope[i];
  }
  result.x = Tensor::empty(x.shape(), x.dtype());
  const Tensor factors = narrow(factor), slopes = narrow(slope), offsets = narrow(offset);
  for_each_range<backend::ChannelNormKernels::Apply>(
      centre, dy, [&](std::int64_t image, std::int64_t, std::int64_t element, auto& range) {
        range.slope = place(slopes, image * maps.channels);
        range.offset = place(offsets, image * maps.channels);
        range.factor = place(factors, image * maps.channels);
        range.y = place(result.x, element);
        backend::kernels().channel_norm.apply(range);
      });
  return result;
}

}  // namespace

Tensor group_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, std::int64_t groups,
                  double epsilon) {
  const FeatureMaps maps = checked_feature_maps("group_norm", x);
  const DType dtype = parameter_dtype(x.dtype());
  for (const Tensor& parameter : {weight, bias})
    if (parameter.defined() && (!(parameter.shape() == Shape{maps.channels}) || parameter.dtype() != dtype))
      throw Error(fmt::format("group_norm of {}: weight or bias {} given, {} [{}] needed", x.text(),
                              parameter.text(), name_of(dtype), maps.channels));
  if (groups < 1 || maps.channels % groups != 0)
    throw Error(fmt::format("group_norm of {}: {} groups given, a divisor of {} channels needed", x.text(),
                            groups, maps.channels));
  if (!(epsilon >= 0))
    throw Error(fmt::format("group_norm of {}: epsilon {} given, 0 or more needed", x.text(), epsilon));
  GroupNorm norm{.maps = maps, .groups = groups, .epsilon = epsilon, .x = dense(x).detach()};
  if (weight.defined()) norm.weight = dense(weight).detach();
  if (bias.defined()) norm.bias = dense(bias).detach();
  norm.fill_statistics();
  const Tensor y = norm.result();
  if (autograd::is_recording({x, weight, bias}))
    autograd::record("group_norm", {x, weight, bias}, {y},
                     [norm, for_x = autograd::requires_grad(x), for_weight = autograd::requires_grad(weight),
                      for_bias = autograd::requires_grad(bias)](const autograd::Tensors& gradients) {
                       const GroupNorm::Gradients g =
                           norm.gradients(dense(gradients[0]), for_x, for_weight, for_bias);
                       return autograd::Tensors{g.x, g.weight, g.bias};
                     });
  return y;
}

}  // namespace attend::op
