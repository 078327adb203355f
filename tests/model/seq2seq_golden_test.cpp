// Whole models against PyTorch: tests/golden/make_seq2seq.py says what is in the file.

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <ostream>

#include "attend/autograd/tape.h"
#include "attend/io/safetensors.h"
#include "attend/model/seq2seq.h"
#include "backend/cast.h"
#include "support/compare.h"

namespace attend {
namespace {

using model::Seq2Seq;
using model::Seq2SeqConfig;

struct Case {
  const char* name;
  Seq2SeqConfig config;
};

/// What lists of tests say of a case.
// NOLINTNEXTLINE(readability-identifier-naming): the name that GoogleTest looks for
void PrintTo(const Case& c, std::ostream* out) {
  *out << c.name;
}

const Case kCases[] = {
    {"paper",
     {.source_vocabulary = 13,
      .target_vocabulary = 13,
      .shared_vocabulary = true,
      .context = 7,
      .encoder_layers = 2,
      .decoder_layers = 2,
      .heads = 2,
      .dim = 16,
      .feed_forward = 24,
      .post_norm = true}},
    {"modern",
     {.source_vocabulary = 11,
      .target_vocabulary = 9,
      .tied_embeddings = false,
      .context = 7,
      .encoder_layers = 2,
      .decoder_layers = 1,
      .heads = 4,
      .key_heads = 2,
      .dim = 16,
      .feed_forward = 8,
      .norm = nn::NormKind::rms,
      .positions = model::Positions::rotary,
      .scaled_embeddings = false,
      .activation = nn::HiddenActivation::swiglu,
      .bias = false}},
    {"learned",
     {.source_vocabulary = 7,
      .target_vocabulary = 12,
      .context = 7,
      .encoder_layers = 1,
      .decoder_layers = 2,
      .heads = 2,
      .dim = 8,
      .feed_forward = 12,
      .positions = model::Positions::learned}},
};

/// The tensors of NAME/ or of NAME/part/.
std::map<std::string, Tensor> golden(const std::string& prefix) {
  static const auto file = io::SafetensorsFile::open(std::string(ATTEND_GOLDEN_DIR) + "/seq2seq.safetensors");
  std::map<std::string, Tensor> result;
  for (const auto& entry : file.entries()) {
    if (!entry.name.starts_with(prefix)) continue;
    const Tensor tensor = Tensor::empty(Shape(entry.shape), entry.dtype);
    std::memcpy(tensor.raw(), entry.data.data(), entry.data.size());
    result.emplace(entry.name.substr(prefix.size()), tensor);
  }
  return result;
}

class Seq2SeqGolden : public ::testing::TestWithParam<Case> {};

struct Precision {
  DType parameters, compute;
  double tolerance;
  bool recompute = false;
};

TEST_P(Seq2SeqGolden, LogitsLossAndGradientsEqualPyTorchs) {
  const auto& [name, config] = GetParam();
  const std::string prefix = std::string(name) + "/";
  const auto expected = golden(prefix);
  const auto gradients = golden(prefix + "gradient/");
  const Tensor lengths = backend::cast(expected.at("lengths"), DType::i32);
  // Sums in f32 and activations in bf16, whose rounding is 2^-9, of numbers of about 1.
  for (const auto& [parameters, compute, tolerance, recompute] :
       {Precision{DType::f64, DType::f64, 1e-10}, Precision{DType::f64, DType::f64, 1e-10, true},
        Precision{DType::f32, DType::f32, 2e-5}, Precision{DType::f32, DType::bf16, 5e-2}}) {
    Seq2Seq model(config);
    model.cast_parameters(DType::f64);
    model.load(golden(prefix + "parameter/"));
    model.cast_parameters(parameters);
    const nn::Run run{.recompute_blocks = recompute, .compute = compute};
    const auto memory = model.encode(expected.at("source"), lengths, run);
    const Tensor logits = model.logits(memory, expected.at("target"), run);
    EXPECT_EQ(logits.dtype(), compute);
    EXPECT_TRUE(test::close(logits, expected.at("logits"), tolerance, tolerance)) << name_of(compute);
    const Tensor loss = model.loss(expected.at("source"), lengths, expected.at("target"),
                                   expected.at("targets"), run, {.label_smoothing = 0.1});
    EXPECT_TRUE(test::close(loss, expected.at("loss"), tolerance, tolerance)) << name_of(compute);
    autograd::backward(loss);
    EXPECT_EQ(gradients.size(), model.parameters().size());
    for (const auto& parameter : model.parameters())
      EXPECT_TRUE(
          test::close(autograd::grad(parameter.tensor), gradients.at(parameter.name), tolerance, tolerance))
          << parameter.name << ", " << name_of(compute);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, Seq2SeqGolden, ::testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace attend
