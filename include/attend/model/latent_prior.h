#pragma once

#include <cstdint>
#include <vector>

#include "attend/nn/module.h"

namespace attend::model {

/// Sums over normal distributions of latent vectors, each of a picture of some class.
class LatentMoments {
 public:
  LatentMoments(std::int64_t classes, std::int64_t latent);

  /// mean, log_variance f32 or f64 [batch, latent] (independent numbers); classes i32 or i64 [batch]. Throws
  /// Error for shapes and classes that do not fit.
  void add(const Tensor& mean, const Tensor& log_variance, const Tensor& classes);

  std::int64_t classes() const { return classes_; }
  std::int64_t latent() const { return latent_; }
  /// Of the distributions of this class.
  double count(std::int64_t label) const { return count_[static_cast<std::size_t>(label)]; }
  /// Of their mixture: [latent], and [latent, latent] in rows. The class has a distribution.
  std::vector<double> mean(std::int64_t label) const;
  std::vector<double> covariance(std::int64_t label) const;

 private:
  std::int64_t classes_, latent_;
  std::vector<double> count_, sum_, products_;
};

/// For each class a normal distribution of latent vectors, "mean" [classes, latent] and "factor" [classes,
/// latent, latent], lower triangular: z = mean + factor noise. It starts as the standard one, and is fitted
/// without gradients to what an encoder that has learnt says of pictures, as Ghosh et al. ("From Variational
/// to Deterministic Autoencoders", 2020) fit theirs: what is then decoded is like what the decoder has learnt
/// from.
class LatentPrior : public nn::Module {
 public:
  LatentPrior(std::int64_t classes, std::int64_t latent);

  /// mean and factor factor^T become mean and covariance of the moments; those of a class without pictures
  /// stay. Throws Error when the sizes are others, and when a covariance is not positive definite.
  void fit(const LatentMoments& moments);

  /// noise f32 [batch, latent] and classes, i32 or i64 [batch], to latent vectors f32 [batch, latent]. Off
  /// the tape. Throws Error for shapes and classes that do not fit.
  Tensor latents(const Tensor& noise, const Tensor& classes) const;

 private:
  std::int64_t classes_, latent_;
  Tensor mean_, factor_;
};

}  // namespace attend::model
