#include "attend/model/image_generation_model.h"

#include <gtest/gtest.h>

#include <cmath>

#include "attend/attention/observe.h"
#include "attend/autograd/tape.h"
#include "attend/base/parallel.h"
#include "attend/model/image_gan.h"
#include "attend/model/image_vae.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/image_models.h"

namespace attend::model {
namespace {

ImageGenerationConfig tiny(ImageGenerationKind kind = ImageGenerationKind::vae) {
  return {.kind = kind,
          .height = 8,
          .width = 7,
          .channels = 1,
          .classes = 4,
          .latent = 4,
          .stages = 2,
          .base_channels = 2,
          .discriminator_base_channels = 4};
}

Tensor classes_of(std::int64_t count) {
  return test::random_integers({count}, 4, 5);
}

TEST(ImageGenerationConfig, JsonGoesRoundAndRefusesWhatDoesNotFit) {
  ImageGenerationConfig config = tiny(ImageGenerationKind::gan);
  config.block = nn::FeatureAttentionKind::none;
  config.kl_weight = 0.25;
  config.conditional = false;
  config.prior = LatentPriorKind::standard;
  EXPECT_EQ(image_generation_config_from_json(to_json(config)), config);
  const auto read = [](const char* text) { return image_generation_config_from_json(text, "FILE"); };
  EXPECT_ERROR(read("{"), "FILE: not valid JSON");
  EXPECT_ERROR(read(R"({"latents": 3})"), "did you mean \"latent\"?");
  EXPECT_ERROR(read(R"({"kind": "flow"})"), "kind \"flow\": one of \"vae\", \"gan\" needed");
  EXPECT_ERROR(read(R"({"latent": 0})"), "latent 0");
  EXPECT_ERROR(read(R"({"kl_weight": -1})"), "kl_weight");
  EXPECT_ERROR(read(R"({"prior": "normal"})"), R"(prior "normal": one of "standard", "fitted" needed)");
  EXPECT_ERROR(
      read(R"({"latent": 8192})"),
      "latent 8192, classes 10: a fitted prior would have more than 268435456 numbers, standard needed");
  EXPECT_NO_THROW(read(R"({"latent": 8192, "prior": "standard"})"));
  EXPECT_NO_THROW(read(R"({"latent": 8192, "conditional": false})"));
  EXPECT_ERROR(read(R"({"stages": 2, "attention_stage": 3})"), "attention_stage 3: at most stages 2");
  EXPECT_ERROR(ImageVae(ImageGenerationConfig{.stages = 9}), "stages 9");
  config = tiny(ImageGenerationKind::gan);
  config.width = 3;
  EXPECT_ERROR(validate(config), "width 3: a gan halves pictures 2 times, at least 4 needed");
  config.kind = ImageGenerationKind::vae;
  EXPECT_NO_THROW(validate(config));
}

TEST(ImageGenerator, SizesNeedNoPowersOfTwo) {
  const ImageGenerationConfig config{.height = 28, .width = 15, .stages = 3, .base_channels = 4};
  EXPECT_EQ(config.size_of(3), op::Size2(28, 15));
  EXPECT_EQ(config.size_of(1), op::Size2(7, 4));
  EXPECT_EQ(config.size_of(0), op::Size2(4, 2));
  EXPECT_EQ(config.channels_of(0), 32);
  Generator random(1);
  const ImageGenerator generator(config, random);
  const Tensor pictures = generator.forward(latents_of(1, 0, 2, config.latent), classes_of(2));
  EXPECT_EQ(pictures.shape(), (Shape{2, 28, 15, 3}));
  for (const float value : pictures.to_vector<float>()) EXPECT_TRUE(std::abs(value) <= 1);
}

TEST(ImageGenerator, LatentsAreAFunctionOfSeedAndNumber) {
  const Tensor all = latents_of(7, 0, 5, 3), later = latents_of(7, 3, 2, 3);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(all.data<float>()[9 + i], later.data<float>()[i]);
  EXPECT_TRUE(test::differ(latents_of(8, 0, 5, 3), all));
  const Tensor cold = latents_of(7, 0, 5, 3, 0.5), none = latents_of(7, 0, 5, 3, 0);
  for (int i = 0; i < 15; ++i) {
    EXPECT_FLOAT_EQ(cold.data<float>()[i], 0.5F * all.data<float>()[i]);
    EXPECT_EQ(none.data<float>()[i], 0);
  }
}

TEST(ImageGenerator, ClassesCountWhenConditionalAlone) {
  for (const bool conditional : {true, false}) {
    ImageGenerationConfig config = tiny();
    config.conditional = conditional;
    Generator random(1);
    const ImageGenerator generator(config, random);
    const Tensor latents = latents_of(1, 0, 1, 4);
    const auto made = [&](std::int32_t label) {
      return generator.forward(latents, Tensor::from(std::vector<std::int32_t>{label}, {1})).detach();
    };
    EXPECT_EQ(static_cast<bool>(test::differ(made(0), made(3))), conditional);
    if (conditional) {
      EXPECT_ERROR(generator.forward(latents, {}), "classes undefined: i32 or i64 [1] needed");
      EXPECT_ERROR(generator.forward(latents, classes_of(2)), "i32 or i64 [1] needed");
      EXPECT_ERROR(made(4), "4");
    }
    EXPECT_ERROR(generator.forward(latents_of(1, 0, 1, 5), classes_of(1)), "latents f32 [1, 5]");
  }
}

TEST(ImageGenerator, TellsAnObserverWhereItLooks) {
  struct Watcher : attention::Observer {
    Tensor weights;
    bool wants(std::int64_t layer) override { return layer == 0; }
    void observe(std::int64_t, const Tensor& seen) override { weights = seen; }
  } watcher;
  Generator random(1);
  const ImageGenerator generator(tiny(), random);
  nn::Run run;
  run.observer = &watcher;
  const Tensor latents = latents_of(1, 0, 2, 4);
  const Tensor seen = generator.forward(latents, classes_of(2), run);
  ASSERT_TRUE(watcher.weights.defined());
  EXPECT_EQ(watcher.weights.dim(3), 16);  // 4 x 4 places
  EXPECT_TRUE(test::same_bits(seen.detach(), generator.forward(latents, classes_of(2)).detach()));
}

TEST(ImageModels, SameBitsForAnyNumberOfThreads) {
  const int before = threads();
  const Tensor pictures = test::random_tensor({6, 8, 7, 1}, DType::f32, 2), latents = latents_of(1, 0, 6, 4);
  for (const auto kind : {ImageGenerationKind::vae, ImageGenerationKind::gan}) {
    std::vector<Tensor> found[2];
    for (const int count : {1, 2}) {
      set_threads(count);
      const auto model = make_image_generation_model(tiny(kind), 3);
      const nn::Run run{.training = true};
      if (const auto* gan = dynamic_cast<const ImageGan*>(model.get()); gan != nullptr) {
        autograd::backward(gan->discriminator_loss(pictures, classes_of(6), latents, run));
        autograd::backward(gan->generator_loss(classes_of(6), latents, run));
      } else {
        autograd::backward(
            dynamic_cast<const ImageVae&>(*model).loss(pictures, classes_of(6), latents, run).total);
      }
      for (const auto& parameter : model->parameters())
        found[count - 1].push_back(parameter.trainable ? autograd::grad(parameter.tensor) : parameter.tensor);
    }
    ASSERT_EQ(found[0].size(), found[1].size());
    for (std::size_t i = 0; i < found[0].size(); ++i)
      EXPECT_TRUE(test::same_bits(found[0][i], found[1][i])) << i;
  }
  set_threads(before);
}

TEST(ImageModels, ComputeInBf16) {
  const Tensor pictures = test::random_tensor({6, 8, 7, 1}, DType::f32, 2), latents = latents_of(1, 0, 6, 4);
  const ImageVae vae(tiny());
  const ImageGan gan(tiny(ImageGenerationKind::gan));
  const auto losses = [&](DType compute) {
    nn::Run run;
    run.compute = compute;
    return std::vector<double>{vae.loss(pictures, classes_of(6), latents, run).total.item(),
                               gan.discriminator_loss(pictures, classes_of(6), latents, run).item(),
                               gan.generator_loss(classes_of(6), latents, run).item()};
  };
  const auto exact = losses(DType::f32), rounded = losses(DType::bf16);
  for (std::size_t i = 0; i < exact.size(); ++i)
    EXPECT_TRUE(std::abs(exact[i] - rounded[i]) <= 0.03 * (1 + std::abs(exact[i])))
        << exact[i] << " " << rounded[i];
  EXPECT_ERROR(vae.encode(test::random_tensor({6, 7, 8, 1}, DType::f32, 2), classes_of(6)),
               "f32 [batch, 8, 7, 1] needed");
  EXPECT_ERROR(gan.discriminator().forward(pictures, classes_of(5)), "i32 or i64 [6] needed");
}

}  // namespace
}  // namespace attend::model
