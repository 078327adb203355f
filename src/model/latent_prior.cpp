#include "attend/model/latent_prior.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "attend/op/cast.h"
#include "model/image_generation_checks.h"

namespace attend::model {

namespace {

/// A class of each row, from 0 and below `classes`.
std::vector<std::int64_t> labels_of(const Tensor& classes, std::int64_t batch, std::int64_t count) {
  check_classes(classes, batch);
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < batch; ++i)
    labels.push_back(classes.dtype() == DType::i32 ? classes.data<std::int32_t>()[i]
                                                   : classes.data<std::int64_t>()[i]);
  for (const std::int64_t label : labels)
    if (label < 0 || label >= count)
      throw Error(fmt::format("class {}: from 0 and below {} needed", label, count));
  return labels;
}

void check_rows(const Tensor& rows, std::int64_t latent, const char* what) {
  if (!rows.defined() || !is_floating(rows.dtype()) || rows.rank() != 2 || rows.dim(1) != latent)
    throw Error(fmt::format("{} {}: numbers [batch, {}] needed", what,
                            rows.defined() ? rows.text() : "undefined", latent));
}

std::size_t index(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

/// The lower triangular L with L L^T = matrix [size, size] (Cholesky's).
std::vector<double> cholesky(const std::vector<double>& matrix, std::int64_t size, std::int64_t label) {
  std::vector<double> factor(matrix.size());
  for (std::int64_t i = 0; i < size; ++i)
    for (std::int64_t j = 0; j <= i; ++j) {
      double rest = matrix[index(i * size + j)];
      for (std::int64_t k = 0; k < j; ++k) rest -= factor[index(i * size + k)] * factor[index(j * size + k)];
      if (i == j && !(rest > 0))
        throw Error(fmt::format("the latent vectors of class {} have no covariance that is positive definite",
                                label));
      factor[index(i * size + j)] = i == j ? std::sqrt(rest) : rest / factor[index(j * size + j)];
    }
  return factor;
}

}  // namespace

LatentMoments::LatentMoments(std::int64_t classes, std::int64_t latent)
    : classes_(classes),
      latent_(latent),
      count_(index(classes)),
      sum_(index(classes * latent)),
      products_(index(classes * latent * latent)) {}

void LatentMoments::add(const Tensor& mean, const Tensor& log_variance, const Tensor& classes) {
  check_rows(mean, latent_, "means");
  check_rows(log_variance, latent_, "log-variances");
  const std::int64_t batch = mean.dim(0);
  if (log_variance.dim(0) != batch)
    throw Error(fmt::format("log-variances {}: as many as means {}", log_variance.text(), mean.text()));
  const std::vector<std::int64_t> labels = labels_of(classes, batch, classes_);
  const Tensor means = op::cast(mean.detach(), DType::f64),
               log_variances = op::cast(log_variance.detach(), DType::f64);
  // Threads share rows of the products, so that any number of them adds in the same order.
  parallel_for(latent_, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = 0; row < batch; ++row) {
      const std::int64_t label = labels[index(row)];
      const double* m = means.data<double>() + row * latent_;
      const double* v = log_variances.data<double>() + row * latent_;
      for (std::int64_t i = begin; i < end; ++i) {
        sum_[index(label * latent_ + i)] += m[i];
        double* products = products_.data() + (label * latent_ + i) * latent_;
        for (std::int64_t j = 0; j <= i; ++j) products[j] += m[i] * m[j];
        products[i] += std::exp(v[i]);
      }
    }
  });
  for (const std::int64_t label : labels) ++count_[index(label)];
}

std::vector<double> LatentMoments::mean(std::int64_t label) const {
  std::vector<double> result;
  for (std::int64_t i = 0; i < latent_; ++i)
    result.push_back(sum_[index(label * latent_ + i)] / count_[index(label)]);
  return result;
}

std::vector<double> LatentMoments::covariance(std::int64_t label) const {
  const std::vector<double> center = mean(label);
  std::vector<double> result(index(latent_ * latent_));
  for (std::int64_t i = 0; i < latent_; ++i)
    for (std::int64_t j = 0; j <= i; ++j)
      result[index(i * latent_ + j)] = result[index(j * latent_ + i)] =
          products_[index((label * latent_ + i) * latent_ + j)] / count_[index(label)] -
          center[index(i)] * center[index(j)];
  return result;
}

LatentPrior::LatentPrior(std::int64_t classes, std::int64_t latent) : classes_(classes), latent_(latent) {
  mean_ = Tensor::zeros({classes, latent});
  factor_ = Tensor::zeros({classes, latent, latent});
  for (std::int64_t i = 0; i < classes * latent; ++i) factor_.data<float>()[i * latent + i % latent] = 1;
  add_buffer("mean", mean_);
  add_buffer("factor", factor_);
}

void LatentPrior::fit(const LatentMoments& moments) {
  if (moments.classes() != classes_ || moments.latent() != latent_)
    throw Error(fmt::format("moments of {} classes and {} latent numbers: {} and {} needed",
                            moments.classes(), moments.latent(), classes_, latent_));
  std::vector<double> means = op::cast(mean_, DType::f64).to_vector<double>(),
                      factors = op::cast(factor_, DType::f64).to_vector<double>();
  for (std::int64_t label = 0; label < classes_; ++label) {
    if (moments.count(label) == 0) continue;
    const std::vector<double> factor = cholesky(moments.covariance(label), latent_, label);
    std::ranges::copy(moments.mean(label), means.begin() + label * latent_);
    std::ranges::copy(factor, factors.begin() + label * latent_ * latent_);
  }
  mean_.copy_from(op::cast(Tensor::from(means, mean_.shape()), mean_.dtype()));
  factor_.copy_from(op::cast(Tensor::from(factors, factor_.shape()), factor_.dtype()));
}

Tensor LatentPrior::latents(const Tensor& noise, const Tensor& classes) const {
  check_rows(noise, latent_, "noise");
  const std::int64_t batch = noise.dim(0);
  const std::vector<std::int64_t> labels = labels_of(classes, batch, classes_);
  const Tensor from = op::cast(noise.detach(), DType::f32), mean = op::cast(mean_, DType::f32),
               factor = op::cast(factor_, DType::f32);
  Tensor result = Tensor::empty({batch, latent_});
  parallel_for(batch, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row)
      for (std::int64_t i = 0; i < latent_; ++i) {
        const std::int64_t place = labels[index(row)] * latent_ + i;
        double sum = mean.data<float>()[place];
        for (std::int64_t j = 0; j <= i; ++j)
          sum += double{factor.data<float>()[place * latent_ + j]} * from.data<float>()[row * latent_ + j];
        result.data<float>()[row * latent_ + i] = static_cast<float>(sum);
      }
  });
  return result;
}

}  // namespace attend::model
