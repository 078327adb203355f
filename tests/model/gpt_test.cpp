#include "attend/model/gpt.h"

#include <gtest/gtest.h>

#include <cmath>

#include "attend/autograd/tape.h"
#include "attend/base/parallel.h"
#include "attend/op/cross_entropy.h"
#include "attend/op/linear.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/gradient_check.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using model::Gpt;
using model::GptConfig;
using model::Positions;
using nn::HiddenActivation;
using nn::NormKind;

constexpr Positions kPositions[] = {Positions::learned, Positions::sinusoidal, Positions::rotary};
constexpr NormKind kNorms[] = {NormKind::layer, NormKind::rms};

Tensor tokens_for(const GptConfig& config, std::int64_t batch, std::int64_t length, std::uint64_t seed = 3) {
  return test::random_integers({batch, length}, config.vocabulary, seed);
}

/// Larger numbers than those of a real start, so that attention is far from even and every parameter matters.
void stir(const Gpt& gpt) {
  std::uint64_t seed = 50;
  for (const auto& parameter : gpt.parameters())
    parameter.tensor.copy_from(
        test::random_tensor(parameter.tensor.shape(), parameter.tensor.dtype(), ++seed, -0.8, 0.8));
}

void check_gradients(const GptConfig& config) {
  Gpt gpt(config, 1);
  gpt.cast_parameters(DType::f64);
  stir(gpt);
  const Tensor tokens = tokens_for(config, 2, 3), targets = tokens_for(config, 2, 3, 4);
  Tensors inputs;
  for (const auto& parameter : gpt.parameters()) inputs.push_back(parameter.tensor);
  EXPECT_TRUE(test::gradients_match([&](const Tensors&) { return Tensors{gpt.loss(tokens, targets)}; },
                                    inputs, {.relative = 1e-5, .absolute = 1e-6}))
      << to_json(config);
}

TEST(Gpt, GradientsMatchFiniteDifferencesForEveryNormPositionAndTie) {
  for (const auto norm : kNorms)
    for (const auto positions : kPositions)
      for (const bool tied : {true, false})
        check_gradients({.vocabulary = 5,
                         .context = 3,
                         .layers = 1,
                         .heads = 2,
                         .dim = 4,
                         .feed_forward = 3,
                         .norm = norm,
                         .positions = positions,
                         .tied_embeddings = tied,
                         .bias = tied});
}

TEST(Gpt, GradientsMatchFiniteDifferencesForEveryActivation) {
  for (const auto activation : {HiddenActivation::gelu, HiddenActivation::relu, HiddenActivation::silu,
                                HiddenActivation::swiglu, HiddenActivation::geglu, HiddenActivation::reglu})
    check_gradients({.vocabulary = 5,
                     .context = 3,
                     .layers = 2,
                     .heads = 2,
                     .key_heads = 1,
                     .dim = 4,
                     .feed_forward = 3,
                     .positions = Positions::rotary,
                     .activation = activation});
}

TEST(Gpt, StartsByTheBook) {
  GptConfig config{.vocabulary = 500, .context = 64, .layers = 8, .heads = 4, .dim = 128};
  const Gpt gpt(config, 5), again(config, 5), other(config, 6);
  const auto parameters = gpt.parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto& [name, tensor, decay, trainable] = parameters[i];
    EXPECT_TRUE(test::same_bits(tensor, again.parameters()[i].tensor)) << name;
    EXPECT_EQ(decay, tensor.rank() == 2) << name;
    double mean = 0, square = 0;
    for (const double value : tensor.to_vector<double>()) {
      mean += value;
      square += value * value;
    }
    const auto n = static_cast<double>(tensor.elements());
    mean /= n;
    const double deviation = std::sqrt(square / n);
    if (tensor.rank() == 2) {
      const bool ends_branch = name.find(".output.weight") != std::string::npos;
      const double expected = ends_branch ? 0.02 / 4 : 0.02;  // sqrt(2 * 8) = 4
      // Five standard errors of a sample's deviation.
      EXPECT_NEAR(deviation, expected, 5 * expected / std::sqrt(2 * n)) << name;
      EXPECT_LE(std::abs(mean), 5 * expected / std::sqrt(n)) << name;
      EXPECT_FALSE(test::same_bits(tensor, other.parameters()[i].tensor)) << name;
    } else {
      EXPECT_EQ(deviation, name.ends_with("norm.weight") ? 1 : 0) << name;
    }
  }
  EXPECT_TRUE(test::close(gpt.loss(tokens_for(config, 2, 64), tokens_for(config, 2, 64, 4)),
                          Tensor::full({}, std::log(500.0)), 0.01, 0));
}

TEST(Gpt, CountsParametersAndFlops) {
  const GptConfig gpt2 = model::gpt_preset("gpt2-124m");
  GptConfig config = gpt2;  // one layer and few tokens of it: the whole takes half a gigabyte
  config.layers = 1;
  config.vocabulary = 10;
  config.context = 4;
  const Gpt one(config);
  config.layers = 2;
  const Gpt two(config);
  const std::int64_t layer = two.parameter_count() - one.parameter_count();
  const std::int64_t rest = one.parameter_count() - layer - (10 + 4) * 768;
  EXPECT_EQ(12 * layer + rest + (gpt2.vocabulary + gpt2.context) * gpt2.dim, 124439808);  // what GPT-2 has
  EXPECT_EQ(two.matmul_parameters(), 2 * 12 * 768 * 768 + 10 * 768);
  EXPECT_EQ(two.training_flops_per_token(100), 6.0 * (2 * 12 * 768 * 768 + 10 * 768) + 12.0 * 2 * 768 * 100);
  config.tied_embeddings = false;
  EXPECT_EQ(Gpt(config).matmul_parameters(), two.matmul_parameters());
}

TEST(Gpt, NextLogitsEqualTheWholeForwardForEverySplit) {
  struct Precision {
    DType parameters, compute;
    double tolerance;
  };
  // The sums of f32 run in another order; bf16 rounds intermediate results of up to 4 to 8 bits.
  for (const auto& [parameters, compute, tolerance] :
       {Precision{DType::f64, DType::f64, 1e-12}, Precision{DType::f32, DType::f32, 2e-5},
        Precision{DType::f32, DType::bf16, 0.06}, Precision{DType::bf16, DType::bf16, 0.06}})
    for (const auto positions : kPositions)
      for (const std::int64_t key_heads : {0, 1}) {
        const GptConfig config{.vocabulary = 11,
                               .context = 7,
                               .layers = 2,
                               .heads = 2,
                               .key_heads = key_heads,
                               .dim = 16,
                               .positions = positions};
        Gpt gpt(config, 1);
        gpt.cast_parameters(parameters);
        for (const auto& parameter : gpt.parameters())
          if (parameter.decay)
            parameter.tensor.copy_from(
                test::random_tensor(parameter.tensor.shape(), parameter.tensor.dtype(), 9, -0.4, 0.4));
        const nn::Run run{.compute = compute};
        const Tensor tokens = tokens_for(config, 2, 7);
        const Tensor whole = gpt.logits(tokens, run);
        const auto at = [&](std::int64_t place) {
          return whole.view_as({2, 11}, {7 * 11, 1}, place * 11).clone();
        };
        const auto slice = [&](std::int64_t begin, std::int64_t count) {
          return tokens.view_as({2, count}, {7, 1}, begin).clone();
        };
        for (std::int64_t split = 1; split <= 7; ++split) {
          auto cache = gpt.make_cache(2, 0, run);
          EXPECT_TRUE(
              test::close(gpt.next_logits(slice(0, split), cache, run), at(split - 1), tolerance, tolerance))
              << split;
          for (std::int64_t place = split; place < 7; ++place)
            EXPECT_TRUE(
                test::close(gpt.next_logits(slice(place, 1), cache, run), at(place), tolerance, tolerance))
                << split << ", " << place;
          EXPECT_EQ(cache.length(), 7);
          cache.truncate(2);
          EXPECT_TRUE(test::close(gpt.next_logits(slice(2, 2), cache, run), at(3), tolerance, tolerance));
        }
      }
}

TEST(Gpt, ReorderedRowsOfACacheGoOnWithTheirTokens) {
  const GptConfig config{.vocabulary = 11, .context = 7, .layers = 2, .heads = 2, .dim = 16};
  const Gpt gpt(config, 1);
  stir(gpt);
  const Tensor first = tokens_for(config, 3, 4);
  auto cache = gpt.make_cache(3);
  gpt.next_logits(first, cache);
  const std::vector<std::int32_t> rows = {2, 2, 0, 1, 0};
  cache.reorder(rows);
  EXPECT_EQ(cache.batch(), 5);
  const Tensor next = tokens_for(config, 5, 1, 9), scores = gpt.next_logits(next, cache);
  for (std::int64_t i = 0; i < 5; ++i) {
    std::vector<std::int32_t> tokens;
    for (int t = 0; t < 4; ++t)
      tokens.push_back(first.data<std::int32_t>()[4 * rows[static_cast<std::size_t>(i)] + t]);
    tokens.push_back(next.data<std::int32_t>()[i]);
    auto alone = gpt.make_cache();
    EXPECT_TRUE(test::close(scores.view_as({1, 11}, {11, 1}, i * 11),
                            gpt.next_logits(Tensor::from(tokens, {1, 5}), alone), 1e-4, 1e-4));
  }
}

const GptConfig kSmall{.vocabulary = 97, .context = 40, .layers = 2, .heads = 4, .dim = 64, .dropout = 0.2};

/// Logits, loss and all gradients of one training step.
Tensors step(const nn::Run& settings, const GptConfig& config = kSmall) {
  const Gpt gpt(config, 8);
  Generator random(21);
  nn::Run run = settings;
  run.random = &random;
  const Tensor tokens = tokens_for(config, 3, 40), targets = tokens_for(config, 3, 40, 4);
  Tensors results = {gpt.logits(tokens, run), gpt.loss(tokens, targets, run)};
  autograd::backward(results[1]);
  for (const auto& parameter : gpt.parameters()) results.push_back(autograd::grad(parameter.tensor));
  return results;
}

void expect_same(const Tensors& a, const Tensors& b, const std::string& what) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    EXPECT_TRUE(test::same_bits(a[i], b[i])) << what << ", result " << i;
}

TEST(Gpt, SameBitsForOneAndTwoThreads) {
  const int before = threads();
  for (const auto compute : {DType::f32, DType::bf16})
    for (const auto positions : kPositions) {
      GptConfig config = kSmall;
      config.positions = positions;
      set_threads(1);
      const Tensors one = step({.training = true, .compute = compute}, config);
      set_threads(2);
      expect_same(one, step({.training = true, .compute = compute}, config), std::string(name_of(compute)));
    }
  set_threads(before);
}

TEST(Gpt, RecomputedBlocksGiveTheSameBitsWithDropout) {
  for (const auto compute : {DType::f32, DType::bf16})
    expect_same(step({.training = true, .compute = compute}),
                step({.training = true, .recompute_blocks = true, .compute = compute}),
                std::string(name_of(compute)));
}

TEST(Gpt, DropoutActsInTrainingOnlyAndFollowsTheGenerator) {
  const Tensors trained = step({.training = true}), plain = step({});
  EXPECT_FALSE(test::same_bits(trained[0], plain[0]));
  GptConfig without = kSmall;
  without.dropout = 0;
  expect_same(plain, step({}, without), "no dropout");
  expect_same(trained, step({.training = true}), "again");
  const Gpt gpt(kSmall);
  EXPECT_ERROR(gpt.logits(tokens_for(kSmall, 1, 4), {.training = true}), "random generator");
}

struct Recorder : attention::Observer {
  std::vector<std::int64_t> layers;
  std::vector<Tensor> seen;
  bool wants(std::int64_t layer) override { return layer != 1; }
  void observe(std::int64_t layer, const Tensor& weights) override {
    layers.push_back(layer);
    seen.push_back(weights);
  }
};

TEST(Gpt, ObservingChangesNoBit) {
  GptConfig config = kSmall;
  config.layers = 3;
  for (const bool recompute : {false, true})
    for (const auto compute : {DType::f32, DType::bf16}) {
      nn::Run run{.training = true, .recompute_blocks = recompute, .compute = compute};
      const Tensors plain = step(run, config);
      Recorder recorder;
      run.observer = &recorder;
      expect_same(plain, step(run, config), "observed");
      EXPECT_EQ(recorder.layers,
                (std::vector<std::int64_t>{0, 2, 0, 2}));  // logits, then loss; backward tells nothing
      for (const Tensor& weights : recorder.seen) {
        EXPECT_EQ(weights.shape(), (Shape{3, 4, 40, 40}));
        const auto values = weights.to_vector<double>();
        for (std::size_t row = 0; row < values.size(); row += 40) {
          double sum = 0;
          for (std::size_t i = 0; i < 40; ++i) sum += values[row + i];
          EXPECT_NEAR(sum, 1, 1e-5);
          const std::size_t query = row / 40 % 40;
          for (std::size_t i = query + 1; i < 40; ++i) EXPECT_EQ(values[row + i], 0);
        }
      }
    }
}

TEST(Gpt, ObservingWhileDecodingChangesNoBit) {
  const Gpt gpt(kSmall, 1);
  const Tensor tokens = tokens_for(kSmall, 1, 9), one = tokens_for(kSmall, 1, 1);
  Recorder recorder;
  Tensors results[2];
  for (const bool observed : {false, true}) {
    const nn::Run run{.observer = observed ? &recorder : nullptr};
    auto cache = gpt.make_cache();
    results[observed] = {gpt.next_logits(tokens, cache, run), gpt.next_logits(one, cache, run)};
  }
  expect_same(results[0], results[1], "decoding");
  ASSERT_EQ(recorder.seen.size(), 2u);
  EXPECT_EQ(recorder.seen[0].shape(), (Shape{1, 4, 9, 9}));
  EXPECT_EQ(recorder.seen[1].shape(), (Shape{1, 4, 1, 10}));
}

TEST(Gpt, LossIsThatOfTheLogitsWithItsOptionsForSmallAndLargeVocabularies) {
  for (const std::int64_t vocabulary : {11, 5000}) {
    const GptConfig config{.vocabulary = vocabulary, .context = 6, .layers = 1, .heads = 2, .dim = 8};
    const Gpt gpt(config, 1);
    stir(gpt);
    const Tensor tokens = tokens_for(config, 2, 6), targets = tokens_for(config, 2, 6, 4);
    targets.data<std::int32_t>()[5] = 7;
    for (const double smoothing : {0.0, 0.1})
      for (const std::int64_t ignored : {-1, 7}) {
        const Tensor expected = op::cross_entropy(gpt.logits(tokens), targets,
                                                  {.label_smoothing = smoothing, .ignore_index = ignored});
        const model::LossOptions options{.ignored_target = ignored, .label_smoothing = smoothing};
        EXPECT_TRUE(test::close(gpt.loss(tokens, targets, {}, options), expected, 1e-5, 0))
            << vocabulary << ", smoothing " << smoothing << ", ignored " << ignored;
      }
  }
}

TEST(Gpt, NamesWhatDoesNotFit) {
  const GptConfig config{.vocabulary = 5, .context = 4, .layers = 1, .heads = 2, .dim = 4};
  Gpt gpt(config);
  const auto tokens = [](const Shape& shape) { return Tensor::zeros(shape, DType::i32); };
  EXPECT_ERROR(Gpt({.heads = 3, .dim = 4}), "heads 3 do not divide dim 4");
  EXPECT_ERROR(gpt.logits(tokens({1, 5})), "5 tokens are more than the model's context of 4");
  EXPECT_ERROR(gpt.logits(tokens({4})), "[batch, length]");
  EXPECT_ERROR(gpt.logits(tokens({1, 0})), "at least one token");
  EXPECT_THROW(gpt.logits(Tensor::full({1, 2}, 5, DType::i32)), Error);
  EXPECT_THROW(gpt.logits(Tensor::full({1, 2}, -1, DType::i32)), Error);
  EXPECT_THROW(gpt.logits(Tensor::zeros({1, 2})), Error);
  EXPECT_ERROR(gpt.loss(tokens({1, 2}), tokens({1, 3})), "targets i32 [1, 3] for tokens i32 [1, 2]");
  EXPECT_ERROR(gpt.logits(tokens({1, 2}), {.compute = DType::i32}), "cannot compute in i32");
  EXPECT_ERROR(gpt.make_cache(1, 5), "5 tokens is more than the model's context of 4");
  auto cache = gpt.make_cache(1, 3);
  gpt.next_logits(tokens({1, 2}), cache);
  EXPECT_ERROR(gpt.next_logits(tokens({1, 2}), cache),
               "no room for 2 more tokens in a cache that holds 2 of 3");
  EXPECT_ERROR(gpt.next_logits(tokens({1, 3}), cache), "5 tokens are more than the model's context of 4");
  EXPECT_ERROR(gpt.next_logits(tokens({2, 1}), cache), "cache of batch 1");
  EXPECT_THROW(gpt.next_logits(Tensor::full({1, 1}, 9, DType::i32), cache), Error);
  EXPECT_EQ(cache.length(), 2);
  const Gpt two({.vocabulary = 5, .context = 4, .layers = 2, .heads = 2, .dim = 4});
  EXPECT_ERROR(two.next_logits(tokens({1, 1}), cache), "cache of 1 layers for a model of 2");
}

}  // namespace
}  // namespace attend
