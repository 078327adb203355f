#include "attend/task/image_generate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <sstream>

#include "attend/base/parallel.h"
#include "attend/model/image_vae.h"
#include "attend/model/weights.h"
#include "attend/task/picture_generator.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/files.h"
#include "support/image_models.h"
#include "support/temporary_folder.h"
#include "support/tiny_pictures.h"
#include "support/watcher.h"
#include "task/image_classify/data.h"
#include "task/image_generate/evaluate.h"

namespace attend::task {
namespace {

namespace fs = std::filesystem;
using model::ImageGenerationKind;
using test::TemporaryFolder;
using test::Watcher;

ImageGenerateOptions tiny_options(ImageGenerationKind kind) {
  const bool is_gan = kind == ImageGenerationKind::gan;
  ImageGenerateOptions options = image_generate_preset(is_gan ? "gan" : "vae");
  options.model.latent = 4;
  options.model.base_channels = 4;
  options.model.discriminator_base_channels = 4;
  options.batch = 16;
  options.steps = 120;
  options.evaluate_every = is_gan ? 0 : 50;
  options.save_every = 0;
  options.learning_rate = is_gan ? 1e-3 : 0.01;
  options.warmup = 0;
  options.ema_decay = 0.9;
  options.precision = "f32";
  options.seed = 3;
  return options;
}

ImageGenerateConfig train(const ImageGenerateJob& job, Watcher& watcher) {
  ImageGenerateJob watched = job;
  watched.observer = &watcher;
  watched.stop = &watcher.stop;
  return train_image_generate(watched);
}

class ImageGenerate : public testing::Test {
 protected:
  ImageGenerate() { test::write_quarters(folder_ / "pictures", 20); }

  ImageGenerateJob job(const std::string& out, ImageGenerationKind kind = ImageGenerationKind::vae) const {
    ImageGenerateJob job;
    job.data = folder_ / "pictures";
    job.out = folder_ / out;
    job.options = tiny_options(kind);
    return job;
  }

  TemporaryFolder folder_;
};

TEST_F(ImageGenerate, InterruptedAndResumedGivesTheSameBits) {
  for (const auto kind : {ImageGenerationKind::vae, ImageGenerationKind::gan}) {
    const std::string name = kind == ImageGenerationKind::gan ? "gan" : "vae";
    Watcher whole, first, second;
    ImageGenerateJob once = job(name + " whole", kind);
    once.options.steps = 12;
    once.options.evaluate_every = kind == ImageGenerationKind::gan ? 0 : 5;
    once.options.flip = true;
    once.options.discriminator_updates = 2;
    const ImageGenerateConfig expected = train(once, whole);
    EXPECT_EQ(expected.results->ended, "steps");
    ImageGenerateJob parts = once;
    parts.out = folder_ / (name + " parts");
    // In the middle of a round of the players.
    first.stop_after = 7;
    EXPECT_EQ(train(parts, first).results->ended, "interrupted");
    parts.resume = true;
    parts.data.clear();
    const int before = threads();
    set_threads(before == 1 ? 2 : 1);
    const ImageGenerateConfig resumed = train(parts, second);
    set_threads(before);
    EXPECT_EQ(second.updates, 5);
    EXPECT_EQ(resumed.results->validation_loss, expected.results->validation_loss);
    EXPECT_TRUE(test::read_all(once.out / "model.safetensors") ==
                test::read_all(parts.out / "model.safetensors"))
        << name;
  }
}

TEST_F(ImageGenerate, PlayersTakeTurnsAndTheirLossesAreLogged) {
  ImageGenerateJob gan = job("gan", ImageGenerationKind::gan);
  gan.options.steps = 30;
  gan.options.accumulate = 2;
  gan.options.schedule = "constant";
  gan.options.warmup = 0;
  gan.options.learning_rate = 4e-3;
  gan.options.generator_learning_rate = 1e-3;
  Watcher watcher;
  const ImageGenerateConfig config = train(gan, watcher);
  EXPECT_EQ(config.results->step, 30);
  EXPECT_FALSE(config.results->validation_loss);
  std::istringstream lines(test::read_all(gan.out / "metrics.jsonl"));
  int logged = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto entry = nlohmann::json::parse(line);
    if (!entry.contains("loss")) continue;
    ++logged;
    EXPECT_TRUE(entry["discriminator_loss"].is_number()) << line;
    // The first update is the discriminator's.
    EXPECT_EQ(entry["generator_loss"].is_number(), entry["step"] != 1) << line;
    // Of the others that are logged each is the generator's.
    EXPECT_DOUBLE_EQ(entry["learning_rate"].get<double>(), entry["step"] == 1 ? 4e-3 : 1e-3) << line;
  }
  EXPECT_EQ(logged, 4);
  EXPECT_NE(test::read_all(gan.out / "README.md").find("generative adversarial network"), std::string::npos);
}

TEST_F(ImageGenerate, AResumeMustFitWhatItBegan) {
  Watcher watcher;
  ImageGenerateJob again = job("model");
  again.options.steps = 2;
  train(again, watcher);
  again.resume = true;
  ImageGenerateJob other = again;
  other.options.flip = true;
  EXPECT_ERROR(train_image_generate(other), "flip true: the training in");
  other = again;
  other.options.model.kind = ImageGenerationKind::gan;
  EXPECT_ERROR(train_image_generate(other), "begun with another model");
  test::write_quarters(folder_ / "others", 21);
  other = again;
  other.data = folder_ / "others";
  EXPECT_ERROR(train_image_generate(other), "other pictures than those");
  other.resume = false;
  EXPECT_ERROR(train_image_generate(other), "already holds a model");
}

TEST_F(ImageGenerate, BadInputIsNamedAndNothingIsWritten) {
  const auto fails = [&](auto change, const char* part) {
    ImageGenerateJob bad = job("bad");
    change(bad);
    EXPECT_ERROR(train_image_generate(bad), part);
    EXPECT_FALSE(fs::exists(bad.out));
  };
  fails([&](ImageGenerateJob& bad) { bad.data = folder_ / "nothing"; }, "nothing");
  fails([](ImageGenerateJob& bad) { bad.data.clear(); }, "--data FOLDER is needed");
  fails([](ImageGenerateJob& bad) { bad.options.model.attention_stage = 3; }, "attention_stage 3");
  fails([](ImageGenerateJob& bad) { bad.options.discriminator_updates = 0; }, "discriminator_updates 0");
  fails([](ImageGenerateJob& bad) { bad.options.generator_learning_rate = -1; },
        "generator_learning_rate -1");
  fails([](ImageGenerateJob& bad) { bad.options.label_smoothing = 0.1; }, "label_smoothing");
  fails(
      [](ImageGenerateJob& bad) {
        bad.options.model.kind = ImageGenerationKind::gan;
        bad.options.patience = 3;
      },
      "patience: a GAN");
  fails(
      [](ImageGenerateJob& bad) {
        bad.options.model.kind = ImageGenerationKind::gan;
        bad.options.perceptual = "classifier";
      },
      "perceptual: a loss of what an autoencoder decodes");
  fails([&](ImageGenerateJob& bad) { bad.options.perceptual = (folder_ / "no model").string(); }, "no model");
  std::ofstream(folder_ / "pictures" / "a" / "broken.png") << "no picture";
  fails([](ImageGenerateJob&) {}, "broken.png");
  EXPECT_ERROR(image_generate_preset("flow"), "preset 'flow': vae, gan are accepted");
}

TEST(PictureGrid, PutsPicturesInRows) {
  const io::Image dark{.height = 2, .width = 3, .channels = 1, .pixels = std::vector<std::uint8_t>(6, 7)};
  const io::Image grid = grid_of(std::vector<io::Image>{dark, dark, dark}, 2);
  EXPECT_EQ(grid.height, 6);
  EXPECT_EQ(grid.width, 8);
  const auto at = [&](std::int64_t row, std::int64_t column) {
    return grid.pixels[static_cast<std::size_t>(row * grid.width + column)];
  };
  EXPECT_EQ(at(0, 0), 7);
  EXPECT_EQ(at(0, 3), 255);
  EXPECT_EQ(at(1, 7), 7);
  EXPECT_EQ(at(2, 0), 255);
  EXPECT_EQ(at(5, 2), 7);
  EXPECT_EQ(at(5, 5), 255);
  EXPECT_ERROR(grid_of({}, 2), "at least one picture");
  EXPECT_ERROR(grid_of(std::vector<io::Image>{dark, test::quarter_picture(0, 1)}, 2), "equal ones needed");
}

TEST(GenerationBaseline, HasTheMeanAndTheDeviationOfItsClass) {
  std::vector<io::Image> pictures;
  std::vector<std::int64_t> labels;
  for (int i = 0; i < 400; ++i) {
    const std::uint8_t value = i % 4 < 2 ? 100 : 140;
    pictures.push_back({.height = 1, .width = 2, .channels = 1, .pixels = {value, 30}});
    labels.push_back(i % 2);
  }
  const auto made = mean_and_noise(pictures, labels, 1);
  double sum = 0, squares = 0;
  for (const io::Image& picture : made) {
    sum += picture.pixels[0];
    squares += std::pow(picture.pixels[0] - 120.0, 2);
    EXPECT_EQ(picture.pixels[1], 30);
  }
  // Three deviations of a mean, and of a deviation, of 400.
  EXPECT_TRUE(std::abs(sum / 400 - 120) <= 3);
  EXPECT_TRUE(std::abs(std::sqrt(squares / 400) - 20) <= 2.2);
}

/// A classifier and a model that have learned which quarter is bright, made once.
class TrainedPictureGenerator : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared = new TemporaryFolder;
    test::write_quarters(*shared / "pictures", 40);
    test::write_quarters(*shared / "unseen", 20, 500'000);
    ImageClassifyJob classifier;
    classifier.data = *shared / "pictures";
    classifier.out = *shared / "classifier";
    classifier.options.model.cnn = {
        .width = 4, .stages = 2, .blocks = 1, .block = nn::FeatureAttentionKind::cbam};
    classifier.options.batch = 16;
    classifier.options.steps = 60;
    classifier.options.learning_rate = 0.01;
    classifier.options.warmup = 4;
    classifier.options.crop_padding = 1;
    classifier.options.flip = false;
    classifier.options.precision = "f32";
    classifier.options.evaluate_every = 20;
    classifier.options.seed = 3;
    train_image_classify(classifier);
    ImageGenerateJob job;
    job.data = *shared / "pictures";
    job.out = *shared / "vae";
    job.options = tiny_options(ImageGenerationKind::vae);
    train_image_generate(job);
  }
  static void TearDownTestSuite() {
    delete shared;
    shared = nullptr;
  }

  static inline TemporaryFolder* shared = nullptr;
};

TEST_F(TrainedPictureGenerator, MakesPicturesThatAreRecognised) {
  const PictureGenerator generator(*shared / "vae");
  const PictureClassifier classifier(*shared / "classifier");
  const GenerationEvaluation evaluation = generator.evaluate(*shared / "unseen", classifier);
  EXPECT_EQ(evaluation.samples, 40);
  EXPECT_GE(evaluation.recognised.value(), 0.9);
  EXPECT_GE(evaluation.recognised_real, 0.9);
  ASSERT_EQ(evaluation.recognised_of_class.size(), 4u);
  ASSERT_TRUE(evaluation.distances);
  EXPECT_EQ(evaluation.distances->features, 8);
  EXPECT_GT(evaluation.distances->samples, 0);
  EXPECT_LT(evaluation.distances->second_half, evaluation.distances->samples);
  const auto json = nlohmann::json::parse(to_json(evaluation));
  EXPECT_EQ(json["recognised"], *evaluation.recognised);
  EXPECT_EQ(json["frechet_distance"]["samples"], evaluation.distances->samples);
  EXPECT_NE(to_terminal(evaluation).find("in the 8 features of this classifier"), std::string::npos);
  EXPECT_ERROR(generator.evaluate(*shared / "unseen", classifier, {.most = 8}),
               "a covariance of 8 features needs more samples");
  EXPECT_ERROR(generator.evaluate(*shared / "unseen", classifier, {.most = 0}), "0 pictures");
}

TEST_F(TrainedPictureGenerator, DrawsFromWhatTheEncoderThatWasKeptSays) {
  const ImageGenerateConfig config = read_image_generate_config(*shared / "vae");
  ASSERT_EQ(config.model.prior, model::LatentPriorKind::fitted);
  model::ImageVae vae(config.model);
  model::load_parameters(vae, *shared / "vae" / "model.safetensors");
  const Tensor noise = model::latents_of(1, 0, 8, config.model.latent);
  const Tensor classes = Tensor::from(std::vector<std::int64_t>{0, 1, 2, 3, 0, 1, 2, 3}, {8});
  const Tensor before = vae.latents(noise, classes);
  EXPECT_TRUE(test::differ(before, noise));
  const PictureSets sets = read_picture_sets(
      {.data = *shared / "pictures", .validation = {}, .out = *shared / "vae"}, nullptr, config.classes);
  std::vector<std::int64_t> rows(static_cast<std::size_t>(sets.train.size()));
  std::iota(rows.begin(), rows.end(), 0);
  const Tensor pictures = pictures_of(sets.train, rows, config.model.pictures(), {});
  const Tensor labels = Tensor::from(sets.train.labels(), {sets.train.size()});
  vae.fit_prior([&](std::int64_t) { return model::ImageVae::Batch(pictures, labels); }, 1);
  EXPECT_TRUE(test::close(vae.latents(noise, classes), before, 1e-4, 1e-4));
}

TEST_F(TrainedPictureGenerator, PicturesAreAFunctionOfClassSeedAndNumber) {
  const PictureGenerator generator(*shared / "vae");
  const std::vector<std::int64_t> labels = {0, 1, 2, 3};
  const auto all = generator.make(labels, {.seed = 5});
  EXPECT_EQ(generator.make(std::vector<std::int64_t>{2}, {.seed = 5, .first = 2})[0], all[2]);
  EXPECT_NE(generator.make(labels, {.seed = 6})[0], all[0]);
  // Without latent noise there is one picture of a class.
  const auto cold = generator.make(std::vector<std::int64_t>{1, 1}, {.temperature = 0});
  EXPECT_EQ(cold[0], cold[1]);
  EXPECT_EQ(all[0].height, 8);
  EXPECT_EQ(all[0].channels, 1);
  EXPECT_ERROR(generator.make(labels, {.temperature = 11}), "temperature 11");
  EXPECT_ERROR(generator.make(std::vector<std::int64_t>{4}), "4");
}

TEST_F(TrainedPictureGenerator, SeesWhereItLooked) {
  const PictureGenerator generator(*shared / "vae");
  const explain::PictureMaps maps = generator.see(1, {.seed = 5});
  explain::check(maps);
  EXPECT_EQ(maps.title, "b, seed 5");
  ASSERT_EQ(maps.maps.size(), 6u);
  EXPECT_EQ(maps.maps[0].name, "Attention");
  EXPECT_EQ(maps.maps[0].height, 4);
  // Looking changes nothing.
  EXPECT_EQ(maps.picture, generator.make(std::vector<std::int64_t>{1}, {.seed = 5})[0]);
}

TEST_F(TrainedPictureGenerator, AnotherClassifierIsRefused) {
  const PictureGenerator generator(*shared / "vae");
  const fs::path other = *shared / "other classes";
  fs::create_directories(other);
  for (const char* name : {"model.safetensors", "config.json"})
    fs::copy_file(*shared / "classifier" / name, other / name, fs::copy_options::overwrite_existing);
  auto config = nlohmann::ordered_json::parse(test::read_all(other / "config.json"));
  config["classes"] = {"a", "b", "c", "e"};
  test::write_all(other / "config.json", config.dump());
  EXPECT_ERROR(generator.evaluate(*shared / "unseen", PictureClassifier(other)),
               "the classifier has no class 'd': it has 'a', 'b', 'c', 'e'");
  EXPECT_ERROR(PictureGenerator(*shared / "classifier"), "image-classify");
}

}  // namespace
}  // namespace attend::task
