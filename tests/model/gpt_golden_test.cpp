// Whole models against PyTorch: tests/golden/make_gpt.py says what is in the file.

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <ostream>

#include "attend/autograd/tape.h"
#include "attend/io/safetensors.h"
#include "attend/model/gpt.h"
#include "attend/train/optimizer.h"
#include "backend/cast.h"
#include "support/compare.h"

namespace attend {
namespace {

using model::Gpt;
using model::GptConfig;

struct Case {
  const char* name;
  GptConfig config;
};

/// What lists of tests say of a case.
// NOLINTNEXTLINE(readability-identifier-naming): the name that GoogleTest looks for
void PrintTo(const Case& c, std::ostream* out) {
  *out << c.name;
}

const Case kCases[] = {
    {"gpt2", {.vocabulary = 13, .context = 8, .layers = 2, .heads = 2, .dim = 16}},
    {"modern",
     {.vocabulary = 11,
      .context = 8,
      .layers = 2,
      .heads = 4,
      .key_heads = 2,
      .dim = 16,
      .feed_forward = 8,
      .norm = nn::NormKind::rms,
      .positions = model::Positions::rotary,
      .activation = nn::HiddenActivation::swiglu,
      .tied_embeddings = false,
      .bias = false}},
    {"classic",
     {.vocabulary = 7,
      .context = 8,
      .layers = 1,
      .heads = 2,
      .dim = 8,
      .positions = model::Positions::sinusoidal,
      .activation = nn::HiddenActivation::relu,
      .tied_embeddings = false}},
};

/// The tensors of NAME/ or of NAME/part/.
std::map<std::string, Tensor> golden(const std::string& prefix) {
  static const auto file = io::SafetensorsFile::open(std::string(ATTEND_GOLDEN_DIR) + "/gpt.safetensors");
  std::map<std::string, Tensor> result;
  for (const auto& entry : file.entries()) {
    if (!entry.name.starts_with(prefix)) continue;
    const Tensor tensor = Tensor::empty(Shape(entry.shape), entry.dtype);
    std::memcpy(tensor.raw(), entry.data.data(), entry.data.size());
    result.emplace(entry.name.substr(prefix.size()), tensor);
  }
  return result;
}

void fill(Gpt& gpt, const std::string& name, DType dtype) {
  gpt.cast_parameters(DType::f64);
  gpt.load(golden(name + "/parameter/"));
  gpt.cast_parameters(dtype);
}

class GptGolden : public ::testing::TestWithParam<Case> {};

TEST_P(GptGolden, LogitsLossAndGradientsEqualPyTorchs) {
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
        Precision{DType::f32, DType::bf16, 6e-2}}) {
    SCOPED_TRACE(std::string(name_of(compute)));
    Gpt gpt(config);
    fill(gpt, name, parameters);
    const nn::Run run{.compute = compute};
    auto expected = golden(prefix);
    const Tensor logits = gpt.logits(expected.at("tokens"), run);
    EXPECT_EQ(logits.dtype(), compute);
    EXPECT_TRUE(test::close(logits, expected.at("logits"), tolerance, tolerance));
    const Tensor loss = gpt.loss(expected.at("tokens"), expected.at("targets"), run);
    EXPECT_TRUE(test::close(loss, expected.at("loss"), tolerance, tolerance));
    autograd::backward(loss);
    const auto gradients = golden(prefix + "gradient/");
    EXPECT_EQ(gradients.size(), gpt.parameters().size());
    for (const auto& parameter : gpt.parameters())
      EXPECT_TRUE(
          test::close(autograd::grad(parameter.tensor), gradients.at(parameter.name), tolerance, tolerance))
          << parameter.name;
  }
}

// One step of AdamW as its paper states it (Loshchilov and Hutter, "Decoupled Weight Decay Regularization",
// 2019).
struct PlainAdamW {
  int step = 0;
  std::map<std::string, std::vector<double>> first, second;

  void operator()(const Gpt& gpt) {
    ++step;
    for (const auto& [name, tensor, decay, trainable] : gpt.parameters()) {
      const auto gradient = autograd::grad(tensor).to_vector<double>();
      auto &m = first[name], &v = second[name];
      m.resize(gradient.size());
      v.resize(gradient.size());
      double* p = tensor.data<double>();
      for (std::size_t i = 0; i < gradient.size(); ++i) {
        m[i] = 0.9 * m[i] + 0.1 * gradient[i];
        v[i] = 0.95 * v[i] + 0.05 * gradient[i] * gradient[i];
        const double mean = m[i] / (1 - std::pow(0.9, step)), square = v[i] / (1 - std::pow(0.95, step));
        p[i] -= 1e-2 * ((decay ? 0.1 * p[i] : 0) + mean / (std::sqrt(square) + 1e-8));
      }
      autograd::clear_grad(tensor);
    }
  }
};

TEST_P(GptGolden, TenStepsOfAdamWFollowPyTorchs) {
  const auto [name, config] = GetParam();
  const std::string prefix = std::string(name) + "/";
  Gpt gpt(config);
  fill(gpt, name, DType::f64);
  const auto expected = golden(prefix);
  std::vector<double> curve;
  PlainAdamW optimizer;
  for (int step = 0; step <= 10; ++step) {
    const Tensor loss = gpt.loss(expected.at("tokens"), expected.at("targets"));
    curve.push_back(loss.item());
    if (step == 10) break;
    autograd::backward(loss);
    optimizer(gpt);
  }
  EXPECT_TRUE(test::close(Tensor::from(curve, {11}), expected.at("curve"), 1e-8, 1e-8));
  const auto final_values = golden(prefix + "final/");
  for (const auto& parameter : gpt.parameters())
    EXPECT_TRUE(test::close(parameter.tensor, final_values.at(parameter.name), 1e-6, 1e-6)) << parameter.name;
}

TEST_P(GptGolden, TenStepsOfTheOptimizerFollowPyTorchs) {
  const auto [name, config] = GetParam();
  const std::string prefix = std::string(name) + "/";
  for (const auto& [compute, tolerance] : {std::pair{DType::f32, 2e-4}, std::pair{DType::bf16, 3e-2}}) {
    Gpt gpt(config);
    fill(gpt, name, DType::f32);
    const auto expected = golden(prefix);
    train::AdamW optimizer(gpt.parameters(),
                           {.beta1 = 0.9, .beta2 = 0.95, .epsilon = 1e-8, .weight_decay = 0.1});
    std::vector<double> curve;
    for (int step = 0; step <= 10; ++step) {
      for (const auto& parameter : gpt.parameters()) autograd::clear_grad(parameter.tensor);
      const Tensor loss = gpt.loss(expected.at("tokens"), expected.at("targets"), {.compute = compute});
      curve.push_back(loss.item());
      autograd::backward(loss);
      optimizer.step(1e-2);
    }
    // The final weights are not compared: the bias of the keys has no influence, its gradient is rounding
    // noise, and AdamW makes steps of full size from any noise.
    EXPECT_TRUE(test::close(Tensor::from(curve, {11}), expected.at("curve"), tolerance, tolerance))
        << name_of(compute);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, GptGolden, ::testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace attend
