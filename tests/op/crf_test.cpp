#include "attend/op/crf.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "attend/nn/crf.h"
#include "attend/op/arithmetic.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/golden.h"
#include "support/gradient_check.h"
#include "support/precision_check.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using test::random_tensor;
using Path = std::vector<std::int64_t>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Tensors scores(std::int64_t batch, std::int64_t places, std::int64_t classes, std::uint64_t seed = 1) {
  return {random_tensor({batch, places, classes}, DType::f64, seed, -2, 2),
          random_tensor({classes, classes}, DType::f64, seed + 1, -2, 2),
          random_tensor({classes}, DType::f64, seed + 2, -2, 2),
          random_tensor({classes}, DType::f64, seed + 3, -2, 2)};
}

op::CrfScores as_scores(const Tensors& x) {
  return {x[0], x[1], x[2], x[3]};
}

Tensor integers(const Path& values, const Shape& shape) {
  return Tensor::from(values, shape);
}

/// Every tagging of the first sequence with its score, by the definition.
void for_each_path(const Tensors& x, std::int64_t length,
                   const std::function<void(const Path&, double)>& use) {
  const std::int64_t classes = x[0].dim(2);
  const auto e = x[0].to_vector<double>(), a = x[1].to_vector<double>(), start = x[2].to_vector<double>(),
             end = x[3].to_vector<double>();
  const auto at = [](const std::vector<double>& list, std::int64_t i) {
    return list[static_cast<std::size_t>(i)];
  };
  Path path(static_cast<std::size_t>(length), 0);
  for (;;) {
    double score = at(start, path.front()) + at(end, path.back());
    for (std::int64_t t = 0; t < length; ++t) {
      const std::int64_t tag = path[static_cast<std::size_t>(t)];
      score += at(e, t * classes + tag);
      if (t > 0) score += at(a, path[static_cast<std::size_t>(t - 1)] * classes + tag);
    }
    use(path, score);
    std::size_t place = 0;
    while (place < path.size() && ++path[place] == classes) path[place++] = 0;
    if (place == path.size()) return;
  }
}

TEST(Crf, AgreesWithPyTorch) {
  for (const char* name : {"small", "large", "one_tag"})
    for (const DType dtype : {DType::f64, DType::f32, DType::bf16})
      EXPECT_TRUE(test::golden_matches("crf.safetensors", name,
                                       [](const Tensors& x) {
                                         return Tensors{op::crf_negative_log_likelihood(
                                             {x[0], x[1], x[2], x[3]}, x[4], x[5], op::Reduction::none)};
                                       },
                                       {.dtype = dtype}))
          << name;
}

TEST(Crf, IsItsDefinitionOverAllPaths) {
  for (const std::int64_t classes : {1, 2, 3})
    for (const std::int64_t length : {1, 2, 4}) {
      const Tensors x = scores(1, 5, classes, 10);
      double sum = 0, best = -kInfinity;
      Path best_path;
      std::vector<double> mass(static_cast<std::size_t>(5 * classes));
      for_each_path(x, length, [&](const Path& path, double score) {
        sum += std::exp(score);
        for (std::int64_t t = 0; t < length; ++t)
          mass[static_cast<std::size_t>(t * classes + path[static_cast<std::size_t>(t)])] += std::exp(score);
        if (score > best) {
          best = score;
          best_path = path;
        }
      });
      const Tensor lengths = integers({length}, {1});
      for_each_path(x, length, [&](const Path& path, double score) {
        Path padded = path;
        padded.resize(5, -100);
        const double loss =
            op::crf_negative_log_likelihood(as_scores(x), integers(padded, {1, 5}), lengths).item();
        EXPECT_NEAR(loss, std::log(sum) - score, 1e-12);
      });
      const op::CrfPaths decoded = op::crf_decode(as_scores(x), lengths);
      best_path.resize(5, -1);
      EXPECT_EQ(decoded.tags.to_vector<std::int64_t>(), best_path);
      EXPECT_NEAR(decoded.scores.item(), best, 1e-12);
      for (double& probability : mass) probability /= sum;
      EXPECT_TRUE(test::close(op::crf_marginals(as_scores(x), lengths), Tensor::from(mass, {1, 5, classes}),
                              1e-12, 1e-12));
    }
}

TEST(Crf, HasTheDerivativeOfItsDefinition) {
  const Tensor tags = integers({2, 0, 1, -7, 1, 9, 9, 9, 0, 0, 2, 2}, {3, 4}),
               lengths = integers({3, 1, 4}, {3});
  for (const auto reduction : {op::Reduction::mean, op::Reduction::sum, op::Reduction::none}) {
    const auto loss = [&](const Tensors& x) {
      return Tensors{op::crf_negative_log_likelihood(as_scores(x), tags, lengths, reduction)};
    };
    EXPECT_TRUE(test::gradients_match(loss, scores(3, 4, 3)));
    EXPECT_TRUE(test::follows_double_precision(loss, scores(3, 4, 3), 1e-5));
  }
}

TEST(Crf, GivesTheSameBitsForAnyNumberOfThreads) {
  const std::int64_t batch = 40, places = 31, classes = 17;
  const Tensor tags = test::random_integers({batch, places}, classes, 5),
               lengths = test::random_integers({batch}, places + 1, 6);
  EXPECT_TRUE(test::same_bits_for_threads(
      [&](const Tensors& x) { return Tensors{op::crf_negative_log_likelihood(as_scores(x), tags, lengths)}; },
      scores(batch, places, classes)));
}

TEST(Crf, PaddingAndEmptySequencesCountNothing) {
  Tensors x = scores(2, 3, 2);
  const Tensor tags = integers({0, 1, 0, 1, 1, 1}, {2, 3});
  const auto loss = [&](const Path& lengths, op::Reduction reduction) {
    return op::crf_negative_log_likelihood(as_scores(x), tags, integers(lengths, {2}), reduction);
  };
  const double alone = loss({2, 0}, op::Reduction::sum).item();
  EXPECT_EQ(loss({2, 0}, op::Reduction::mean).item(), alone);
  EXPECT_EQ(loss({2, 0}, op::Reduction::none).to_vector<double>(), (std::vector<double>{alone, 0}));
  EXPECT_EQ(loss({0, 0}, op::Reduction::mean).item(), 0);
  const auto e = x[0].to_vector<double>();
  std::vector<double> other = e;
  for (std::size_t i = 4; i < other.size(); ++i) other[i] = kInfinity;
  x[0] = Tensor::from(other, x[0].shape());
  EXPECT_EQ(loss({2, 0}, op::Reduction::mean).item(), alone);
  EXPECT_EQ(op::crf_decode(as_scores(x), integers({2, 0}, {2})).tags.to_vector<std::int64_t>()[2], -1);
}

TEST(Crf, ForbiddenPairsAreNeverChosenAndGetNoGradient) {
  Tensors x = scores(1, 6, 3);
  auto transitions = x[1].to_vector<double>();
  transitions[0 * 3 + 1] = transitions[2 * 3 + 2] = -kInfinity;
  x[1] = Tensor::from(transitions, {3, 3});
  x[0] = random_tensor({1, 6, 3}, DType::f64, 9, -20, 20);
  for (Tensor& tensor : x) autograd::set_requires_grad(tensor);
  const Tensor lengths = integers({6}, {1});
  const auto path = op::crf_decode(as_scores(x), lengths).tags.to_vector<std::int64_t>();
  for (std::size_t t = 1; t < path.size(); ++t) {
    EXPECT_FALSE(path[t - 1] == 0 && path[t] == 1);
    EXPECT_FALSE(path[t - 1] == 2 && path[t] == 2);
  }
  const Tensor loss =
      op::crf_negative_log_likelihood(as_scores(x), integers({0, 0, 2, 1, 1, 0}, {1, 6}), lengths);
  EXPECT_TRUE(std::isfinite(loss.item()));
  autograd::backward(loss);
  const auto gradient = autograd::grad(x[1]).to_vector<double>();
  EXPECT_EQ(gradient[0 * 3 + 1], 0);
  EXPECT_EQ(gradient[2 * 3 + 2], 0);
  for (const double g : gradient) EXPECT_TRUE(std::isfinite(g));
  const Tensor forbidden =
      op::crf_negative_log_likelihood(as_scores(x), integers({0, 1, 0, 0, 0, 0}, {1, 6}), lengths);
  EXPECT_EQ(forbidden.item(), kInfinity);
}

TEST(Crf, LargeScoresDoNotOverflowAndNanIsNotHidden) {
  Tensors x = scores(1, 4, 3);
  const Tensor tags = integers({0, 1, 2, 0}, {1, 4}), lengths = integers({4}, {1});
  const double loss = op::crf_negative_log_likelihood(as_scores(x), tags, lengths).item();
  auto e = x[0].to_vector<double>();
  for (double& value : e) value += 1e6;
  x[0] = Tensor::from(e, {1, 4, 3});
  EXPECT_NEAR(op::crf_negative_log_likelihood(as_scores(x), tags, lengths).item(), loss, 1e-8);
  e[4] = std::nan("");
  x[0] = Tensor::from(e, {1, 4, 3});
  EXPECT_TRUE(std::isnan(op::crf_negative_log_likelihood(as_scores(x), tags, lengths).item()));
  x[0] = Tensor::full({1, 4, 3}, std::nan(""), DType::f64);
  EXPECT_TRUE(std::isnan(op::crf_negative_log_likelihood(as_scores(x), tags, lengths).item()));
}

TEST(Crf, SaysWhatDoesNotFit) {
  const Tensors x = scores(2, 3, 4);
  const Tensor tags = integers({0, 1, 2, 3, 0, 4}, {2, 3}), lengths = integers({3, 3}, {2});
  const auto loss = [&](const op::CrfScores& s, const Tensor& t, const Tensor& l) {
    return op::crf_negative_log_likelihood(s, t, l);
  };
  op::CrfScores s = as_scores(x);
  EXPECT_ERROR(loss(s, tags, lengths), "crf: tag 4 at place 2 of sequence 1, 0 to 3 accepted");
  EXPECT_NO_THROW(loss(s, tags, integers({3, 2}, {2})));
  EXPECT_ERROR(loss(s, tags, integers({3, 4}, {2})), "crf: a length of 4, 0 to 3 accepted");
  EXPECT_ERROR(loss(s, tags, integers({-1, 3}, {2})), "crf: a length of -1");
  EXPECT_ERROR(loss(s, tags, integers({3}, {1})), "crf: lengths i64 [1], i32 or i64 [2] needed");
  EXPECT_ERROR(loss(s, integers({0, 0}, {2, 1}), lengths), "crf: tags i64 [2, 1], i32 or i64 [2, 3] needed");
  EXPECT_ERROR(loss(s, x[0], lengths), "crf: tags f64 [2, 3, 4]");
  s.end = x[1];
  EXPECT_ERROR(op::crf_decode(s, lengths), "crf: end: f64 [4, 4] given, [4] needed");
  s = as_scores(x);
  s.transitions = x[0];
  EXPECT_ERROR(op::crf_marginals(s, lengths), "crf: transitions: f64 [2, 3, 4] given, [4, 4] needed");
  s.emissions = x[1];
  EXPECT_ERROR(loss(s, tags, lengths), "crf: emissions f64 [4, 4], [N, T, C] needed");
  s.emissions = tags;
  EXPECT_ERROR(loss(s, tags, lengths), "crf: emissions");
}

}  // namespace
}  // namespace attend
