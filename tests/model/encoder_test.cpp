#include "attend/model/encoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "attend/attention/mechanism.h"
#include "attend/autograd/tape.h"
#include "attend/base/parallel.h"
#include "attend/model/sequence_classifier.h"
#include "attend/op/shape.h"
#include "attend/train/optimizer.h"
#include "model/encoder_fields.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/gradient_check.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using model::Encoder;
using model::EncoderConfig;
using model::EncoderInput;
using model::SequenceClassifier;

Tensor integers(const std::vector<std::int32_t>& values) {
  return Tensor::from(values, {static_cast<std::int64_t>(values.size())});
}

/// Larger numbers than those of a real start, so that attention is far from even and every parameter matters.
void stir(const nn::Module& module) {
  std::uint64_t seed = 50;
  for (const auto& parameter : module.parameters())
    parameter.tensor.copy_from(
        test::random_tensor(parameter.tensor.shape(), parameter.tensor.dtype(), ++seed, -0.8, 0.8));
}

/// Two rows of 3 and 2 tokens.
EncoderInput small_input(const EncoderConfig& config) {
  EncoderInput input{.tokens = test::random_integers({2, 3}, config.vocabulary, 3),
                     .lengths = integers({3, 2})};
  if (config.segments > 0) input.segments = test::random_integers({2, 3}, config.segments, 4);
  return input;
}

void check_gradients(const EncoderConfig& config, nn::PoolingKind pooling) {
  SequenceClassifier model({.encoder = config, .pooling = pooling, .classes = {3, 2}}, 1);
  model.cast_parameters(DType::f64);
  stir(model);
  const EncoderInput input = small_input(config);
  const std::vector<Tensor> targets = {integers({2, 0}), integers({-1, 1})};
  Tensors inputs;
  for (const auto& parameter : model.parameters()) inputs.push_back(parameter.tensor);
  EXPECT_TRUE(test::gradients_match([&](const Tensors&) { return Tensors{model.loss(input, targets)}; },
                                    inputs, {.relative = 1e-5, .absolute = 1e-6}))
      << to_json(config);
}

TEST(Encoder, GradientsMatchFiniteDifferences) {
  for (const auto positions :
       {model::Positions::learned, model::Positions::sinusoidal, model::Positions::rotary})
    for (const bool post_norm : {true, false})
      check_gradients({.vocabulary = 5,
                       .context = 3,
                       .segments = post_norm ? 2 : 0,
                       .layers = 1,
                       .heads = 2,
                       .dim = 4,
                       .feed_forward = 3,
                       .norm = post_norm ? nn::NormKind::layer : nn::NormKind::rms,
                       .post_norm = post_norm,
                       .embedding_norm = post_norm,
                       .positions = positions},
                      post_norm ? nn::PoolingKind::attention : nn::PoolingKind::mean);
}

/// Five rows of different lengths; `filler` stands at padding.
EncoderInput padded_input(const EncoderConfig& config, std::int32_t filler) {
  const std::vector<std::int32_t> lengths = {9, 1, 4, 12, 7};
  EncoderInput input{.tokens = test::random_integers({5, 12}, config.vocabulary, 3),
                     .lengths = integers(lengths)};
  for (std::size_t b = 0; b < 5; ++b)
    for (std::size_t t = static_cast<std::size_t>(lengths[b]); t < 12; ++t)
      input.tokens.data<std::int32_t>()[b * 12 + t] = filler;
  return input;
}

class EncoderAttention : public ::testing::TestWithParam<std::string> {};

TEST_P(EncoderAttention, PaddingChangesNoBitAndRowsAreAsAlone) {
  for (const DType compute : {DType::f32, DType::bf16}) {
    const EncoderConfig config{.vocabulary = 20,
                               .context = 12,
                               .layers = 2,
                               .heads = 2,
                               .dim = 16,
                               .positions = model::Positions::rotary,
                               .attention = GetParam()};
    Encoder encoder(config, 1);
    const autograd::NoGrad no_grad;
    const nn::Run run{.compute = compute};
    const EncoderInput input = padded_input(config, 0), other = padded_input(config, 19);
    const Tensor together = encoder.features(input, run), again = encoder.features(other, run);
    const std::vector<std::int64_t> lengths = input.lengths.to_vector<std::int64_t>();
    for (std::int64_t b = 0; b < 5; ++b) {
      const std::int64_t length = lengths[static_cast<std::size_t>(b)];
      const auto real = [&](const Tensor& x) {
        return op::slice(op::slice(x, 0, b, b + 1), 1, 0, length).clone();
      };
      EXPECT_TRUE(test::same_bits(real(together), real(again))) << "row " << b;
      // Alone, the products have other shapes, and so other orders of sums: eps times the few roundings on
      // the way.
      const Tensor alone = encoder.features(
          {.tokens = op::contiguous(op::slice(op::slice(input.tokens, 0, b, b + 1), 1, 0, length))}, run);
      const double tolerance = compute == DType::f32 ? 2e-5 : 6e-2;
      EXPECT_TRUE(test::close(real(together), alone, tolerance, tolerance)) << "row " << b;
    }
  }
}

std::vector<std::string> names() {
  std::vector<std::string> result;
  for (const attention::Mechanism& mechanism : attention::mechanisms())
    if (model::fits_encoder(mechanism)) result.emplace_back(mechanism.name);
  return result;
}

INSTANTIATE_TEST_SUITE_P(Mechanisms, EncoderAttention, ::testing::ValuesIn(names()),
                         [](const auto& info) { return info.param; });

TEST(SequenceClassifier, PaddingChangesNoBitOfLogits) {
  for (const auto kind : {nn::PoolingKind::first, nn::PoolingKind::mean, nn::PoolingKind::attention}) {
    const EncoderConfig config{.vocabulary = 20, .context = 12, .layers = 2, .heads = 2, .dim = 16};
    SequenceClassifier model({.encoder = config, .pooling = kind, .classes = {3, 2}}, 1);
    stir(model);
    const autograd::NoGrad no_grad;
    const auto logits = model.logits(padded_input(config, 0)), again = model.logits(padded_input(config, 19));
    ASSERT_EQ(logits.size(), 2u);
    for (std::size_t i = 0; i < 2; ++i) EXPECT_TRUE(test::same_bits(logits[i], again[i])) << name_of(kind);
  }
}

TEST(SequenceClassifier, LearnsTwoQuestionsAtOnce) {
  // Is there a 1 anywhere; which token is first?
  const EncoderConfig config{.vocabulary = 6, .context = 8, .layers = 1, .heads = 2, .dim = 16};
  SequenceClassifier model({.encoder = config, .pooling = nn::PoolingKind::attention, .classes = {2, 6}}, 3);
  const EncoderInput input{.tokens = test::random_integers({32, 8}, 6, 5)};
  const Tensor has = Tensor::zeros({32}, DType::i32), first = Tensor::zeros({32}, DType::i32);
  for (std::int64_t b = 0; b < 32; ++b) {
    const std::int32_t* row = input.tokens.data<std::int32_t>() + 8 * b;
    first.data<std::int32_t>()[b] = row[0];
    has.data<std::int32_t>()[b] = std::count(row, row + 8, 1) > 0 ? 1 : 0;
  }
  const double before = model.loss(input, {has, first}).item();
  EXPECT_NEAR(before, std::log(2.0) + std::log(6.0), 0.1);
  double loss = before;
  train::AdamW optimizer(model.parameters(), {.weight_decay = 0});
  for (int step = 0; step < 60; ++step) {
    const Tensor value = model.loss(input, {has, first});
    autograd::backward(value);
    optimizer.step(1e-2);
    train::clear_gradients(model.parameters());
    loss = value.item();
  }
  EXPECT_LT(loss, 0.1) << "from " << before;
}

TEST(Encoder, StartsByTheBook) {
  const EncoderConfig config{.vocabulary = 500, .context = 64, .segments = 300, .layers = 8, .dim = 128};
  const Encoder encoder(config, 5), again(config, 5), other(config, 6);
  const auto parameters = encoder.parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto& [name, tensor, decay, trainable] = parameters[i];
    EXPECT_TRUE(test::same_bits(tensor, again.parameters()[i].tensor)) << name;
    EXPECT_EQ(decay, tensor.rank() == 2) << name;
    if (tensor.rank() != 2) continue;
    double square = 0;
    for (const double value : tensor.to_vector<double>()) square += value * value;
    const auto n = static_cast<double>(tensor.elements());
    const double expected = name.find(".output.weight") != std::string::npos ? 0.02 / 4 : 0.02;
    // Five standard errors of a sample's deviation.
    EXPECT_NEAR(std::sqrt(square / n), expected, 5 * expected / std::sqrt(2 * n)) << name;
    EXPECT_FALSE(test::same_bits(tensor, other.parameters()[i].tensor)) << name;
  }
}

TEST(Encoder, HasTheParametersOfBert) {
  EncoderConfig config = model::encoder_preset("bert-base");
  const EncoderConfig bert = config;  // a part of it: the whole takes half a gigabyte
  config.layers = 1;
  config.vocabulary = 10;
  config.context = 4;
  const Encoder one(config);
  config.layers = 2;
  const std::int64_t layer = Encoder(config).parameter_count() - one.parameter_count();
  const std::int64_t rest = one.parameter_count() - layer - (10 + 4) * 768;
  // BertModel without the pooler's dense layer.
  EXPECT_EQ(12 * layer + rest + (bert.vocabulary + bert.context) * bert.dim, 109482240 - 768 * 769);
  EXPECT_EQ(one.matmul_parameters(), 12 * 768 * 768);
  EXPECT_EQ(one.training_flops_per_token(100), 6.0 * 12 * 768 * 768 + 12.0 * 768 * 100);
}

TEST(Encoder, SameBitsForOneThreadAndTwoAndRecomputed) {
  const EncoderConfig config{
      .vocabulary = 50, .context = 12, .segments = 2, .layers = 2, .heads = 2, .dim = 64, .dropout = 0.2};
  const auto gradient = [&](int count, bool recompute) {
    const int before = attend::threads();
    set_threads(count);
    SequenceClassifier model({.encoder = config, .pooling = nn::PoolingKind::attention, .classes = {3}}, 1);
    Generator random(9);
    const nn::Run run{.training = true, .random = &random, .recompute_blocks = recompute};
    const Tensor loss =
        model.loss(padded_input(config, 0), {integers({0, 1, 2, 0, 1})}, run, {.label_smoothing = 0.1});
    autograd::backward(loss);
    Tensors result = {loss.detach()};
    for (const auto& parameter : model.parameters()) result.push_back(autograd::grad(parameter.tensor));
    set_threads(before);
    return result;
  };
  const Tensors one = gradient(1, false), two = gradient(2, false), recomputed = gradient(2, true);
  for (std::size_t i = 0; i < one.size(); ++i) {
    EXPECT_TRUE(test::same_bits(one[i], two[i])) << i;
    EXPECT_TRUE(test::same_bits(one[i], recomputed[i])) << i;
  }
}

TEST(Encoder, HalvesMakeTheWhole) {
  const EncoderConfig config{.vocabulary = 20,
                             .context = 12,
                             .segments = 2,
                             .layers = 1,
                             .heads = 2,
                             .dim = 16,
                             .embedding_norm = true};
  Encoder encoder(config, 1);
  const EncoderInput input = padded_input(config, 0);
  const Tensor embedded = encoder.embed(input);
  const Tensor features = encoder.encode(embedded, input.lengths);
  EXPECT_TRUE(test::same_bits(features.detach(), encoder.features(input).detach()));
  const Tensors gradient = autograd::gradients({features}, {embedded}, {Tensor::full(features.shape(), 1)});
  EXPECT_TRUE(gradient[0].shape() == embedded.shape());
}

struct Recorder : attention::Observer {
  std::vector<std::int64_t> layers;
  bool wants(std::int64_t) override { return true; }
  void observe(std::int64_t layer, const Tensor& weights) override {
    layers.push_back(layer);
    EXPECT_TRUE(weights.shape() == Shape({5, 2, 12, 12}));
  }
};

TEST(Encoder, ObservingChangesNoBit) {
  const EncoderConfig config{.vocabulary = 20, .context = 12, .layers = 2, .heads = 2, .dim = 16};
  const Encoder encoder(config, 1);
  const EncoderInput input = padded_input(config, 0);
  const Tensor plain = encoder.features(input).detach();
  Recorder recorder;
  EXPECT_TRUE(test::same_bits(encoder.features(input, {.observer = &recorder}).detach(), plain));
  EXPECT_EQ(recorder.layers, (std::vector<std::int64_t>{0, 1}));
}

TEST(Encoder, RefusesWhatDoesNotFit) {
  const Encoder encoder({.vocabulary = 20, .context = 4, .layers = 1, .heads = 2, .dim = 16});
  const Tensor tokens = Tensor::zeros({2, 3}, DType::i32);
  EXPECT_ERROR(encoder.features({.tokens = Tensor::zeros({3}, DType::i32)}), "[batch, length] with at least");
  EXPECT_ERROR(encoder.features({.tokens = Tensor::zeros({2, 5}, DType::i32)}),
               "5 tokens are more than the model's context of 4");
  EXPECT_ERROR(encoder.features({.tokens = Tensor::full({2, 3}, 20, DType::i32)}), "20");
  EXPECT_ERROR(encoder.features({.tokens = tokens, .segments = tokens}), "to a model that has none");
  EXPECT_ERROR(encoder.features({.tokens = tokens, .lengths = integers({3, 4})}),
               "length 4 of row 1: 1 to 3 needed");
  EXPECT_ERROR(encoder.features({.tokens = tokens}, {.compute = DType::f64}), "f32 or bf16 needed");
  EXPECT_ERROR(encoder.encode(Tensor::zeros({2, 3, 8})), "[batch, length, 16] needed");
  const Encoder segmented(
      {.vocabulary = 20, .context = 4, .segments = 2, .layers = 1, .heads = 2, .dim = 16});
  EXPECT_ERROR(segmented.features({.tokens = tokens, .segments = Tensor::zeros({2, 2}, DType::i32)}),
               "the same shape needed");
  EXPECT_ERROR(segmented.features({.tokens = tokens, .segments = Tensor::full({2, 3}, 2, DType::i32)}), "2");
  const SequenceClassifier model({.encoder = encoder.config(), .classes = {2, 3}});
  EXPECT_ERROR(model.loss({.tokens = tokens}, {integers({0, 1})}), "targets for 1 questions given");
}

}  // namespace
}  // namespace attend
