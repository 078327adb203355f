// Encoders with every head against PyTorch: tests/golden/make_encoder.py says what is in the file.

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <ostream>

#include "attend/autograd/tape.h"
#include "attend/io/safetensors.h"
#include "attend/model/encoder.h"
#include "attend/nn/padding.h"
#include "attend/nn/pooling.h"
#include "attend/nn/prediction_heads.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
#include "attend/op/cross_entropy.h"
#include "attend/op/shape.h"
#include "attend/op/where.h"
#include "backend/cast.h"
#include "support/compare.h"

namespace attend {
namespace {

using model::Encoder;
using model::EncoderConfig;

struct Case {
  const char* name;
  EncoderConfig config;
};

/// What lists of tests say of a case.
// NOLINTNEXTLINE(readability-identifier-naming): the name that GoogleTest looks for
void PrintTo(const Case& c, std::ostream* out) {
  *out << c.name;
}

const Case kCases[] = {
    {"bert",
     {.vocabulary = 11,
      .context = 6,
      .segments = 2,
      .layers = 2,
      .heads = 2,
      .dim = 8,
      .post_norm = true,
      .embedding_norm = true}},
    {"modern",
     {.vocabulary = 11,
      .context = 6,
      .layers = 1,
      .heads = 4,
      .key_heads = 2,
      .dim = 8,
      .feed_forward = 6,
      .norm = nn::NormKind::rms,
      .positions = model::Positions::rotary,
      .activation = nn::HiddenActivation::swiglu,
      .bias = false}},
    {"plain",
     {.vocabulary = 7,
      .context = 6,
      .layers = 1,
      .heads = 2,
      .dim = 8,
      .positions = model::Positions::sinusoidal,
      .activation = nn::HiddenActivation::relu}},
};

std::map<std::string, Tensor> golden(const std::string& prefix) {
  static const auto file = io::SafetensorsFile::open(std::string(ATTEND_GOLDEN_DIR) + "/encoder.safetensors");
  std::map<std::string, Tensor> result;
  for (const auto& entry : file.entries()) {
    if (!entry.name.starts_with(prefix)) continue;
    const Tensor tensor = Tensor::empty(Shape(entry.shape), entry.dtype);
    std::memcpy(tensor.raw(), entry.data.data(), entry.data.size());
    result.emplace(entry.name.substr(prefix.size()), tensor);
  }
  return result;
}

/// An encoder with one of each that can stand on it.
struct Whole : nn::Module {
  Generator random{1};
  Encoder encoder;
  nn::Pooling first, mean, attention;
  nn::SequenceHeads heads;
  nn::TokenHead tokens;
  nn::SpanHead span;
  nn::MaskedTokenHead masked;

  explicit Whole(const EncoderConfig& c)
      : encoder(c),
        first(nn::PoolingKind::first, c.dim),
        mean(nn::PoolingKind::mean, c.dim),
        attention(nn::PoolingKind::attention, c.dim),
        heads(c.dim, {3, 2}, {}, random),
        tokens(c.dim, 4, {}, random),
        span(c.dim, {}, random),
        masked(c.dim, c.norm, {.bias = c.bias}, {}, random) {
    add_child("encoder", encoder);
    add_child("attention", attention);
    add_child("heads", heads);
    add_child("tokens", tokens);
    add_child("span", span);
    add_child("masked", masked);
  }
};

class EncoderGolden : public ::testing::TestWithParam<Case> {};

TEST_P(EncoderGolden, FeaturesLossesAndGradientsEqualPyTorchs) {
  const auto [name, config] = GetParam();
  const std::string prefix = std::string(name) + "/";
  struct Precision {
    DType parameters, compute;
    double tolerance;
  };
  // f64 and f32 keep 16 and 7 digits, of which sums of up to 64 terms lose one or two; bf16 keeps 8 bits, and
  // each of some ten roundings on the way may cost half a unit of the last.
  for (const auto& [parameters, compute, tolerance] :
       {Precision{DType::f64, DType::f64, 1e-11}, Precision{DType::f32, DType::f32, 2e-5},
        Precision{DType::f32, DType::bf16, 8e-2}}) {
    SCOPED_TRACE(std::string(name_of(compute)));
    Whole model(config);
    model.cast_parameters(DType::f64);
    model.load(golden(prefix + "parameter/"));
    model.cast_parameters(parameters);
    auto expected = golden(prefix);
    const double allowed = tolerance;
    const auto expect_close = [&](const Tensor& got, const std::string& what) {
      EXPECT_TRUE(test::close(got.detach(), expected.at(what), allowed, allowed)) << what;
    };
    const nn::Run run{.compute = compute};
    const Tensor lengths = backend::cast(expected.at("lengths"), DType::i32);
    model::EncoderInput input{.tokens = expected.at("tokens"), .lengths = lengths};
    if (config.segments > 0) input.segments = expected.at("segments");
    const Tensor features = model.encoder.features(input, run);
    EXPECT_EQ(features.dtype(), compute);
    const Tensor real = op::reshape(nn::real_tokens(lengths, 3, 5), {3, 5, 1});
    expect_close(op::where(real, features, Tensor::zeros({}, compute)), "features");
    Tensor sequence;
    for (const auto& [pooling, kind] : {std::pair{&model.first, "first"}, std::pair{&model.mean, "mean"},
                                        std::pair{&model.attention, "attention"}}) {
      const Tensor pooled = pooling->forward(features, lengths);
      expect_close(pooled, std::string("pooled.") + kind);
      const auto logits = model.heads.forward(pooled, run);
      for (std::size_t i = 0; i < logits.size(); ++i) {
        const Tensor loss =
            op::cross_entropy(logits[i], expected.at("classes." + std::to_string(i)), {.ignore_index = -1});
        sequence = sequence.defined() ? op::add(sequence, loss) : loss;
      }
    }
    expect_close(sequence, "loss.sequence");
    const Tensor token =
        op::cross_entropy(model.tokens.forward(features, run), expected.at("tags"), {.ignore_index = -1});
    expect_close(token, "loss.token");
    const auto spans = model.span.forward(features, lengths, run);
    const Tensor span = op::add(op::cross_entropy(spans.start, expected.at("start")),
                                op::cross_entropy(spans.end, expected.at("end")));
    expect_close(span, "loss.span");
    const Tensor masked =
        model.masked.loss(features, expected.at("masked"), model.encoder.token_embeddings());
    expect_close(masked, "loss.masked");
    autograd::backward(op::add(op::add(sequence, token), op::add(span, masked)));
    const auto gradients = golden(prefix + "gradient/");
    EXPECT_EQ(gradients.size(), model.parameters().size());
    for (const auto& parameter : model.parameters())
      EXPECT_TRUE(test::close(autograd::grad(parameter.tensor), gradients.at(parameter.name), tolerance,
                              2 * tolerance))
          << parameter.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, EncoderGolden, ::testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace attend
