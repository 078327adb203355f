// Models that make pictures against PyTorch: tests/golden/make_image_generation.py says what is in the file.

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <memory>
#include <ostream>
#include <vector>

#include "attend/autograd/tape.h"
#include "attend/io/safetensors.h"
#include "attend/model/image_gan.h"
#include "attend/model/image_vae.h"
#include "support/compare.h"

namespace attend {
namespace {

using model::ImageGenerationConfig;
using model::ImageGenerationKind;
using model::ImageGenerationModel;

struct Case {
  const char* name;
  ImageGenerationKind kind;
  bool conditional;
  bool teaches_generator = false;
};

/// What lists of tests say of a case.
// NOLINTNEXTLINE(readability-identifier-naming): the name that GoogleTest looks for
void PrintTo(const Case& c, std::ostream* out) {
  *out << c.name;
}

constexpr Case kCases[] = {{"vae", ImageGenerationKind::vae, false},
                           {"conditional_vae", ImageGenerationKind::vae, true},
                           {"gan_discriminator", ImageGenerationKind::gan, true},
                           {"gan_generator", ImageGenerationKind::gan, true, true},
                           {"unconditional_gan", ImageGenerationKind::gan, false}};

ImageGenerationConfig config_of(const Case& c) {
  return {.kind = c.kind,
          .height = 5,
          .width = 6,
          .channels = 2,
          .classes = 3,
          .conditional = c.conditional,
          .latent = 4,
          .stages = 2,
          .base_channels = 1,
          .block = nn::FeatureAttentionKind::self,
          .attention_stage = 1,
          .kl_weight = 0.5,
          .prior = model::LatentPriorKind::standard,
          .discriminator_base_channels = 2};
}

std::map<std::string, Tensor> golden(const std::string& prefix) {
  static const auto file =
      io::SafetensorsFile::open(std::string(ATTEND_GOLDEN_DIR) + "/image_generation.safetensors");
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
std::map<std::string, Tensor> sorted(const nn::Module& model, bool trainable) {
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

Tensor loss_of(const Case& c, const ImageGenerationModel& model,
               const std::map<std::string, Tensor>& expected) {
  const nn::Run run{.training = true};
  const Tensor &pictures = expected.at("pictures"), &classes = expected.at("classes"),
               &latents = expected.at("latents");
  if (const auto* vae = dynamic_cast<const model::ImageVae*>(&model); vae != nullptr)
    return vae->loss(pictures, classes, latents, run).total;
  const auto& gan = dynamic_cast<const model::ImageGan&>(model);
  return c.teaches_generator ? gan.generator_loss(classes, latents, run)
                             : gan.discriminator_loss(pictures, classes, latents, run);
}

class ImageGenerationGolden : public ::testing::TestWithParam<Case> {};

TEST_P(ImageGenerationGolden, LossGradientsBuffersAndPicturesEqualPyTorchs) {
  const auto expected = golden(std::string(GetParam().name) + "/");
  struct Precision {
    DType dtype;
    double tolerance;
  };
  // Norms of batches divide by deviations of few values: f32 keeps 7 digits, and loses two or three.
  for (const auto& [dtype, allowed] : {Precision{DType::f64, 1e-10}, {DType::f32, 1e-3}}) {
    SCOPED_TRACE(std::string(name_of(dtype)));
    const double tolerance = allowed;
    const auto model = model::make_image_generation_model(config_of(GetParam()));
    model->cast_parameters(DType::f64);
    const auto copy = [](const std::string&, const Tensor& tensor, const Tensor& part) {
      tensor.copy_from(part);
    };
    for_each_part(sorted(*model, true), expected.at("parameters"), copy);
    for_each_part(sorted(*model, false), expected.at("buffers"), copy);
    model->cast_parameters(dtype);
    const Tensor loss = loss_of(GetParam(), *model, expected);
    EXPECT_TRUE(test::close(loss.detach(), expected.at("loss"), tolerance, tolerance));
    autograd::backward(loss);
    for_each_part(sorted(*model, true), expected.at("gradients"),
                  [&](const std::string& name, const Tensor& tensor, const Tensor& part) {
                    const Tensor gradient = autograd::grad(tensor);
                    // The player that a loss does not teach gets no gradient at all, not one of zeros.
                    if (GetParam().kind == ImageGenerationKind::gan &&
                        name.starts_with("generator.") != GetParam().teaches_generator)
                      EXPECT_FALSE(gradient.defined()) << name;
                    else
                      EXPECT_TRUE(test::close(gradient, part, tolerance, tolerance)) << name;
                  });
    for_each_part(sorted(*model, false), expected.at("buffers_after"),
                  [&](const std::string& name, const Tensor& tensor, const Tensor& part) {
                    EXPECT_TRUE(test::close(tensor, part, tolerance, tolerance)) << name;
                  });
    const Tensor made = model->generator().forward(expected.at("latents"), expected.at("classes"));
    EXPECT_EQ(made.dtype(), dtype);
    EXPECT_TRUE(test::close(made.detach(), expected.at("made"), tolerance, tolerance));
    // A frozen player learns again afterwards.
    for (const auto& [name, tensor] : sorted(*model, true))
      EXPECT_TRUE(autograd::requires_grad(tensor)) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, ImageGenerationGolden, ::testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace attend
