#include "attend/data/mix_images.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "attend/base/parallel.h"
#include "support/compare.h"
#include "support/expect_error.h"

namespace attend::data {
namespace {

constexpr std::int64_t kRows = 5, kHeight = 7, kWidth = 9, kChannels = 3;

/// Picture i is i everywhere.
Tensor images() {
  const Tensor result = Tensor::empty({kRows, kHeight, kWidth, kChannels});
  const std::int64_t size = kHeight * kWidth * kChannels;
  for (std::int64_t i = 0; i < kRows; ++i)
    std::fill_n(result.data<float>() + i * size, size, static_cast<float>(i));
  return result;
}

/// Picture i is of class i.
Tensor targets() {
  const Tensor result = Tensor::zeros({kRows, kRows});
  for (std::int64_t i = 0; i < kRows; ++i) result.data<float>()[i * kRows + i] = 1;
  return result;
}

void expect_permutation(std::vector<std::int64_t> partners) {
  std::sort(partners.begin(), partners.end());
  EXPECT_EQ(partners, (std::vector<std::int64_t>{0, 1, 2, 3, 4}));
}

/// The share of each class in the label of picture i is the share that its picture has.
void expect_shares(const MixedBatch& batch, const std::vector<std::vector<double>>& shares) {
  const std::vector<double> labels = batch.targets.to_vector<double>();
  for (std::size_t i = 0; i < kRows; ++i)
    for (std::size_t k = 0; k < kRows; ++k) {
      const double error = std::abs(labels[i * kRows + k] - shares[i][k]);
      ASSERT_TRUE(error <= 1e-6) << "picture " << i << ", class " << k;
    }
}

TEST(MixImages, MixupMixesPicturesAsLabels) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const MixedBatch batch = mixup(images(), targets(), 0.8, {seed, 1});
    expect_permutation(batch.partners);
    std::vector<std::vector<double>> shares(kRows, std::vector<double>(kRows));
    const std::vector<double> values = batch.images.to_vector<double>();
    for (std::size_t i = 0; i < kRows; ++i) {
      const auto partner = static_cast<std::size_t>(batch.partners[i]);
      shares[i][i] += batch.share;
      shares[i][partner] += 1 - batch.share;
      for (std::size_t k = 0; k < kHeight * kWidth * kChannels; ++k) {
        const double expected =
            batch.share * static_cast<double>(i) + (1 - batch.share) * static_cast<double>(partner);
        const double error = std::abs(values[i * kHeight * kWidth * kChannels + k] - expected);
        ASSERT_TRUE(error <= 1e-5);
      }
    }
    expect_shares(batch, shares);
  }
}

TEST(MixImages, CutmixSharesAreThoseOfThePixels) {
  bool part = false, first = false, last = false;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const MixedBatch batch = cutmix(images(), targets(), 1, {seed, 1});
    expect_permutation(batch.partners);
    std::vector<std::vector<double>> shares(kRows, std::vector<double>(kRows));
    const std::vector<double> values = batch.images.to_vector<double>();
    for (std::size_t i = 0; i < values.size(); ++i)
      shares[i / (kHeight * kWidth * kChannels)][static_cast<std::size_t>(values[i])] +=
          1.0 / (kHeight * kWidth * kChannels);
    expect_shares(batch, shares);
    part = part || (batch.share > 0.2 && batch.share < 0.8);
    // Rectangles reach both edges.
    const std::int64_t row = batch.partners[0] != 0 ? 0 : 1, size = kHeight * kWidth * kChannels;
    if (batch.partners[static_cast<std::size_t>(row)] == row) continue;
    first = first || batch.images.data<float>()[row * size] != static_cast<float>(row);
    last = last || batch.images.data<float>()[(row + 1) * size - 1] != static_cast<float>(row);
  }
  EXPECT_TRUE(part && first && last);
}

TEST(MixImages, CutmixTakesTheSamePlaceOfTheOther) {
  Tensor places = images();
  for (std::int64_t i = 0; i < places.elements(); ++i) places.data<float>()[i] = static_cast<float>(i);
  const std::int64_t size = kHeight * kWidth * kChannels;
  const MixedBatch batch = cutmix(places, targets(), 1, {3, 4});
  for (std::int64_t i = 0; i < places.elements(); ++i) {
    const auto from = static_cast<std::int64_t>(batch.images.data<float>()[i]);
    EXPECT_EQ(from % size, i % size);
    EXPECT_TRUE(from / size == i / size || from / size == batch.partners[static_cast<std::size_t>(i / size)]);
  }
}

TEST(MixImages, TheSameStreamGivesTheSameBits) {
  const int before = threads();
  for (const auto mix : {mixup, cutmix}) {
    set_threads(1);
    const MixedBatch once = mix(images(), targets(), 0.5, {7, 8});
    set_threads(2);
    const MixedBatch again = mix(images(), targets(), 0.5, {7, 8}),
                     other = mix(images(), targets(), 0.5, {7, 9});
    EXPECT_TRUE(test::same_bits(once.images, again.images));
    EXPECT_TRUE(test::same_bits(once.targets, again.targets));
    EXPECT_FALSE(test::same_bits(once.images, other.images));
  }
  set_threads(before);
}

TEST(MixImages, BetaHasItsMoments) {
  struct Case {
    double a, b;
  };
  for (const Case& c : {Case{0.2, 0.2}, Case{1, 1}, Case{2, 5}, Case{50, 3}, Case{0.001, 0.001}}) {
    constexpr int kDraws = 20000;
    double sum = 0, squares = 0;
    for (std::uint64_t i = 0; i < kDraws; ++i) {
      const double x = draw_beta(c.a, c.b, {11, i});
      ASSERT_TRUE(x >= 0 && x <= 1);
      sum += x;
      squares += x * x;
    }
    const double mean = sum / kDraws, variance = squares / kDraws - mean * mean, total = c.a + c.b;
    const double expected = c.a * c.b / (total * total * (total + 1));
    // Five standard errors of the mean; of the variance, at most those of two points.
    EXPECT_TRUE(std::abs(mean - c.a / total) <= 5 * std::sqrt(expected / kDraws)) << c.a << " " << c.b;
    EXPECT_TRUE(std::abs(variance / expected - 1) <= 0.06)
        << c.a << " " << c.b << ": " << variance << ", " << expected;
  }
}

TEST(MixImages, NamesWhatIsWrong) {
  for (const auto mix : {mixup, cutmix}) {
    EXPECT_ERROR(mix(images(), targets(), 0, {}), "a parameter of Beta of 0; 0.001 to 1000000 is accepted");
    EXPECT_ERROR(mix(images(), targets(), std::nan(""), {}), "a parameter of Beta of nan");
    EXPECT_ERROR(mix(targets(), targets(), 1, {}),
                 "of images f32 [5, 5] and targets f32 [5, 5]: f32 [n, height");
    EXPECT_ERROR(mix(images(), Tensor::zeros({4, 2}), 1, {}), "targets f32 [4, 2]");
    EXPECT_ERROR(mix(images(), Tensor::zeros({5, 2}, DType::f64), 1, {}), "targets f64 [5, 2]");
    EXPECT_ERROR(mix(Tensor::zeros({0, 2, 2, 1}), Tensor::zeros({0, 2}), 1, {}), "none of them 0");
    EXPECT_ERROR(mix(Tensor::zeros({2, 0, 2, 1}), Tensor::zeros({2, 2}), 1, {}), "none of them 0");
  }
}

}  // namespace
}  // namespace attend::data
