// Image classifiers against PyTorch: tests/golden/make_image_models.py says what is in the file.

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <memory>
#include <ostream>
#include <vector>

#include "attend/autograd/tape.h"
#include "attend/io/safetensors.h"
#include "attend/model/residual_cnn.h"
#include "attend/model/vision_transformer.h"
#include "attend/op/cross_entropy.h"
#include "support/compare.h"

namespace attend {
namespace {

using model::ImageClassifier;

std::unique_ptr<ImageClassifier> residual() {
  return std::make_unique<model::ResidualCnn>(
      model::ResidualCnnConfig{.channels = 2,
                               .classes = 3,
                               .width = 2,
                               .stages = 2,
                               .blocks = 2,
                               .block = nn::FeatureAttentionKind::squeeze_excitation});
}

std::unique_ptr<ImageClassifier> transformer(model::PatchPooling pooling, model::PatchPositions positions,
                                             bool distillation = false) {
  return std::make_unique<model::VisionTransformer>(
      model::VisionTransformerConfig{.height = 4,
                                     .width = 6,
                                     .channels = 2,
                                     .classes = 3,
                                     .patch = 2,
                                     .layers = 1,
                                     .heads = 2,
                                     .dim = 8,
                                     .feed_forward = 6,
                                     .pooling = pooling,
                                     .positions = positions,
                                     .distillation = distillation});
}

std::unique_ptr<ImageClassifier> convolution_stem() {
  return std::make_unique<model::VisionTransformer>(
      model::VisionTransformerConfig{.height = 8,
                                     .width = 12,
                                     .channels = 2,
                                     .classes = 3,
                                     .patch = 4,
                                     .stem = model::PatchStem::convolutions,
                                     .layers = 1,
                                     .heads = 2,
                                     .dim = 8,
                                     .feed_forward = 6});
}

struct Case {
  const char* name;
  std::unique_ptr<ImageClassifier> (*make)();
};

/// What lists of tests say of a case.
// NOLINTNEXTLINE(readability-identifier-naming): the name that GoogleTest looks for
void PrintTo(const Case& c, std::ostream* out) {
  *out << c.name;
}

const Case kCases[] = {
    {"residual", residual},
    {"token_learned", [] { return transformer(model::PatchPooling::token, model::PatchPositions::learned); }},
    {"mean_sinusoidal",
     [] { return transformer(model::PatchPooling::mean, model::PatchPositions::sinusoidal); }},
    {"distilled_token",
     [] { return transformer(model::PatchPooling::token, model::PatchPositions::learned, true); }},
    {"distilled_mean",
     [] { return transformer(model::PatchPooling::mean, model::PatchPositions::sinusoidal, true); }},
    {"convolution_stem", convolution_stem},
};

std::map<std::string, Tensor> golden(const std::string& prefix) {
  static const auto file =
      io::SafetensorsFile::open(std::string(ATTEND_GOLDEN_DIR) + "/image_models.safetensors");
  std::map<std::string, Tensor> result;
  for (const auto& entry : file.entries()) {
    if (!entry.name.starts_with(prefix)) continue;
    const Tensor tensor = Tensor::empty(Shape(entry.shape), entry.dtype);
    std::memcpy(tensor.raw(), entry.data.data(), entry.data.size());
    result.emplace(entry.name.substr(prefix.size()), tensor);
  }
  return result;
}

/// The trainable parameters or the others, sorted by their names, as the rows in the file are.
std::map<std::string, Tensor> sorted(const ImageClassifier& model, bool trainable) {
  std::map<std::string, Tensor> result;
  for (const auto& parameter : model.parameters())
    if (parameter.trainable == trainable) result.emplace(parameter.name, parameter.tensor);
  return result;
}

/// Calls visit(name, tensor, its part of the row), and expects the row to end with the last tensor.
template <class Visit>
void for_each_part(const std::map<std::string, Tensor>& tensors, const Tensor& row, Visit&& visit) {
  std::int64_t place = 0;
  for (const auto& [name, tensor] : tensors) {
    ASSERT_LE(place + tensor.elements(), row.elements()) << name;
    const double* const part = row.data<double>() + place;
    visit(name, tensor, Tensor::from(std::vector<double>(part, part + tensor.elements()), tensor.shape()));
    place += tensor.elements();
  }
  EXPECT_EQ(place, row.elements());
}

class ImageModelsGolden : public ::testing::TestWithParam<Case> {};

TEST_P(ImageModelsGolden, LogitsLossAndGradientsEqualPyTorchs) {
  const auto expected = golden(std::string(GetParam().name) + "/");
  struct Precision {
    DType dtype;
    double tolerance;
  };
  // Norms of batches divide by deviations of few values: f32 keeps 7 digits, and loses two or three.
  for (const auto& [dtype, allowed] : {Precision{DType::f64, 1e-11}, {DType::f32, 2e-4}}) {
    SCOPED_TRACE(std::string(name_of(dtype)));
    const double tolerance = allowed;
    const auto model = GetParam().make();
    model->cast_parameters(DType::f64);
    for_each_part(
        sorted(*model, true), expected.at("parameters"),
        [](const std::string&, const Tensor& tensor, const Tensor& part) { tensor.copy_from(part); });
    model->cast_parameters(dtype);
    const Tensor logits = model->logits(expected.at("pictures"), {.training = true});
    EXPECT_EQ(logits.dtype(), dtype);
    EXPECT_TRUE(test::close(logits.detach(), expected.at("logits"), tolerance, tolerance));
    const Tensor loss = op::cross_entropy(logits, expected.at("targets"));
    EXPECT_TRUE(test::close(loss.detach(), expected.at("loss"), tolerance, tolerance));
    autograd::backward(loss);
    for_each_part(sorted(*model, true), expected.at("gradients"),
                  [&](const std::string& name, const Tensor& tensor, const Tensor& part) {
                    EXPECT_TRUE(test::close(autograd::grad(tensor), part, tolerance, tolerance)) << name;
                  });
    const auto buffers = sorted(*model, false);
    EXPECT_EQ(buffers.empty(), !expected.contains("running"));
    if (buffers.empty()) continue;
    for_each_part(buffers, expected.at("running"),
                  [&](const std::string& name, const Tensor& tensor, const Tensor& part) {
                    EXPECT_TRUE(test::close(tensor, part, tolerance, tolerance)) << name;
                  });
    EXPECT_TRUE(test::close(model->logits(expected.at("pictures")).detach(), expected.at("inference"),
                            tolerance, tolerance));
  }
}

INSTANTIATE_TEST_SUITE_P(Models, ImageModelsGolden, ::testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace attend
