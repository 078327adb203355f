#include "attend/model/latent_prior.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "attend/base/parallel.h"
#include "attend/model/image_generator.h"
#include "attend/model/image_vae.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/random_tensor.h"

namespace attend::model {
namespace {

Tensor rows(const std::vector<double>& values, std::int64_t latent) {
  return Tensor::from(values, {static_cast<std::int64_t>(values.size()) / latent, latent});
}

Tensor classes_of(const std::vector<std::int64_t>& labels) {
  return Tensor::from(labels, {static_cast<std::int64_t>(labels.size())});
}

TEST(LatentMoments, AreThoseOfTheMixture) {
  LatentMoments moments(2, 2);
  // Class 1: N((1, 2), diag(1, 4)) and N((3, -2), diag(3, 2)), in two batches with one of class 0 between.
  moments.add(rows({1, 2, 7, 8}, 2), rows({0, std::log(4.0), 0, 0}, 2), classes_of({1, 0}));
  moments.add(rows({3, -2}, 2), rows({std::log(3.0), std::log(2.0)}, 2), classes_of({1}));
  EXPECT_EQ(moments.count(0), 1);
  EXPECT_EQ(moments.count(1), 2);
  EXPECT_EQ(moments.mean(1), (std::vector<double>{2, 0}));
  // Mean of the variances beside the covariance of the means.
  const std::vector<double> expected = {2 + 1, -2, -2, 3 + 4}, found = moments.covariance(1);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(found[i], expected[i], 1e-12) << i;
}

TEST(LatentMoments, SameBitsForAnyNumberOfThreads) {
  const int before = threads();
  const Tensor mean = test::random_tensor({50, 7}, DType::f32, 1),
               log_variance = test::random_tensor({50, 7}, DType::f32, 2),
               classes = test::random_integers({50}, 3, 3);
  std::vector<double> found[2];
  for (const int count : {1, 2}) {
    set_threads(count);
    LatentMoments moments(3, 7);
    moments.add(mean, log_variance, classes);
    found[count - 1] = moments.covariance(1);
  }
  set_threads(before);
  EXPECT_EQ(found[0], found[1]);
}

TEST(LatentPrior, StartsAsTheStandardNormalDistribution) {
  const LatentPrior prior(3, 4);
  const Tensor noise = latents_of(1, 0, 5, 4);
  EXPECT_TRUE(test::same_bits(prior.latents(noise, test::random_integers({5}, 3, 1)), noise));
  for (const auto& parameter : prior.parameters()) EXPECT_FALSE(parameter.trainable) << parameter.name;
}

TEST(LatentPrior, SamplesHaveTheMomentsItWasFittedTo) {
  constexpr std::int64_t kCount = 200, kLatent = 3, kSamples = 20000;
  const Tensor mean = test::random_tensor({kCount, kLatent}, DType::f32, 1),
               log_variance = test::random_tensor({kCount, kLatent}, DType::f32, 2),
               classes = test::random_integers({kCount}, 2, 3);
  LatentMoments moments(3, kLatent);
  moments.add(mean, log_variance, classes);
  LatentPrior prior(3, kLatent);
  prior.fit(moments);
  const Tensor noise = latents_of(4, 0, kSamples, kLatent);
  for (std::int64_t label = 0; label < 2; ++label) {
    const Tensor drawn = prior.latents(noise, classes_of(std::vector<std::int64_t>(kSamples, label)));
    LatentMoments of_drawn(3, kLatent);
    of_drawn.add(drawn, Tensor::full({kSamples, kLatent}, -1e9),
                 classes_of(std::vector<std::int64_t>(kSamples, label)));
    const auto expected = moments.covariance(label), found = of_drawn.covariance(label);
    const auto center = moments.mean(label), found_center = of_drawn.mean(label);
    // Five deviations of a mean, and of a covariance, of so many samples of variance near 2.
    for (std::size_t i = 0; i < 3; ++i)
      EXPECT_TRUE(std::abs(found_center[i] - center[i]) <= 5 * std::sqrt(expected[4 * i] / kSamples)) << i;
    for (std::size_t i = 0; i < 9; ++i)
      EXPECT_TRUE(std::abs(found[i] - expected[i]) <=
                  5 * std::sqrt(2.0 / kSamples) * std::sqrt(expected[4 * (i / 3)] * expected[4 * (i % 3)]))
          << i << ": " << found[i] << " " << expected[i];
  }
  // Class 2 has no pictures.
  EXPECT_TRUE(
      test::same_bits(prior.latents(noise, classes_of(std::vector<std::int64_t>(kSamples, 2))), noise));
}

TEST(LatentPrior, RefusesWhatDoesNotFit) {
  LatentPrior prior(2, 3);
  EXPECT_ERROR(prior.fit(LatentMoments(2, 4)), "2 classes and 4 latent numbers: 2 and 3 needed");
  EXPECT_ERROR(prior.latents(latents_of(1, 0, 2, 4), classes_of({0, 1})), "noise f32 [2, 4]");
  EXPECT_ERROR(prior.latents(latents_of(1, 0, 2, 3), classes_of({0})), "i32 or i64 [2] needed");
  EXPECT_ERROR(prior.latents(latents_of(1, 0, 1, 3), classes_of({2})), "class 2: from 0 and below 2 needed");
  LatentMoments moments(2, 3);
  EXPECT_ERROR(moments.add(rows({1, 2, 3}, 3), rows({1, 2}, 2), classes_of({0})), "[batch, 3] needed");
  // One picture, told without doubt: no covariance.
  moments.add(rows({1, 2, 3}, 3), rows({-1e9, -1e9, -1e9}, 3), classes_of({1}));
  EXPECT_ERROR(prior.fit(moments), "class 1 have no covariance that is positive definite");
}

TEST(ImageVae, FitsItsPriorToThePicturesOfEachClass) {
  for (const bool conditional : {true, false}) {
    ImageGenerationConfig config = {.height = 8,
                                    .width = 8,
                                    .channels = 1,
                                    .classes = 2,
                                    .conditional = conditional,
                                    .latent = 3,
                                    .base_channels = 2};
    ImageVae vae(config, 1);
    const Tensor pictures = test::random_tensor({6, 8, 8, 1}, DType::f32, 2);
    const Tensor classes = classes_of({0, 1, 0, 1, 0, 1});
    const Tensor noise = Tensor::zeros({2, 3}), asked = classes_of({0, 1});
    EXPECT_TRUE(test::same_bits(vae.latents(noise, asked), noise));
    vae.fit_prior([&](std::int64_t) { return ImageVae::Batch(pictures, classes); }, 2);
    const auto found = vae.latents(noise, asked).to_vector<float>(),
               means = vae.encode(pictures, classes).mean.detach().to_vector<float>();
    for (std::size_t label = 0; label < 2; ++label)
      for (std::size_t j = 0; j < 3; ++j) {
        float sum = 0;
        for (std::size_t row = 0; row < 6; ++row)
          if (!conditional || row % 2 == label) sum += means[3 * row + j];
        EXPECT_NEAR(found[3 * label + j], sum / (conditional ? 3 : 6), 1e-6);
      }
    config.prior = LatentPriorKind::standard;
    ImageVae standard(config, 1);
    standard.fit_prior([&](std::int64_t) { return ImageVae::Batch(pictures, classes); }, 2);
    const Tensor any = latents_of(1, 0, 2, 3);
    EXPECT_TRUE(test::same_bits(standard.latents(any, asked), any));
  }
}

}  // namespace
}  // namespace attend::model
