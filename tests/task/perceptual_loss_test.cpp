#include "task/image_generate/perceptual_loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "attend/autograd/tape.h"
#include "attend/base/parallel.h"
#include "attend/model/image_vae.h"
#include "attend/model/weights.h"
#include "attend/op/arithmetic.h"
#include "attend/op/reduce.h"
#include "attend/task/image_generate.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/files.h"
#include "support/random_tensor.h"
#include "support/temporary_folder.h"
#include "support/tiny_classifier.h"
#include "support/tiny_pictures.h"
#include "support/watcher.h"

namespace attend::task {
namespace {

namespace fs = std::filesystem;
using test::TemporaryFolder;

constexpr model::PictureShape kShape{.height = 8, .width = 8, .channels = 1, .classes = 4};

/// Tensors are so small that two threads would mostly wait for each other.
class OneThread {
 public:
  OneThread() { set_threads(1); }
  ~OneThread() { set_threads(before_); }

 private:
  int before_ = threads();
};

/// Classifiers of quarters, made once.
class PerceptualLossTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared = new TemporaryFolder;
    test::write_quarters(*shared / "pictures", 20);
    for (const char* kind : {"cnn", "vit"}) {
      ImageClassifyJob job = test::tiny_classifier_job(*shared / "pictures", *shared / kind);
      job.options.model.kind = kind;
      job.options.model.cnn.blocks = 2;
      job.options.steps = 20;
      train_image_classify(job);
    }
  }
  static void TearDownTestSuite() {
    delete shared;
    shared = nullptr;
  }

  static ImageGenerateJob painter_job(const std::string& out, bool by_it) {
    ImageGenerateJob job;
    job.data = *shared / "pictures";
    job.out = *shared / out;
    job.options = image_generate_preset("vae");
    job.options.model.latent = 4;
    job.options.model.base_channels = 4;
    job.options.batch = 16;
    job.options.steps = 60;
    job.options.evaluate_every = 60;
    job.options.learning_rate = 0.01;
    job.options.warmup = 0;
    job.options.ema_decay = 0;
    job.options.precision = "f32";
    job.options.seed = 3;
    if (by_it) {
      job.options.perceptual = (*shared / "cnn").string();
      job.options.perceptual_weight = 3;
    }
    return job;
  }

  static Tensor pictures(std::uint64_t seed) {
    return test::random_tensor({5, 8, 8, 1}, DType::f32, seed, -1, 1);
  }

  static inline TemporaryFolder* shared = nullptr;
};

/// Of what an autoencoder makes of the means of pictures that were not learnt from.
double perceptual_loss_of(const fs::path& folder, const PerceptualLoss& loss) {
  const ImageGenerateConfig config = read_image_generate_config(folder);
  model::ImageVae vae(config.model);
  model::load_parameters(vae, folder / "model.safetensors");
  const autograd::NoGrad no_grad;
  const Tensor real = Tensor::empty({16, 8, 8, 1});
  std::vector<std::int64_t> labels;
  for (int i = 0; i < 16; ++i) {
    const io::Image picture = test::quarter_picture(i % 4, 900'000 + static_cast<std::uint64_t>(i));
    for (std::size_t p = 0; p < 64; ++p)
      real.data<float>()[static_cast<std::size_t>(i) * 64 + p] =
          static_cast<float>(picture.pixels[p]) / 127.5F - 1;
    labels.push_back(i % 4);
  }
  const Tensor classes = Tensor::from(labels, {16});
  return loss(vae.generator().forward(vae.encode(real, classes).mean, classes), real, DType::f32).item();
}

TEST_F(PerceptualLossTest, IsTheShareOfTheVarianceThatMapsLose) {
  const PerceptualLoss loss(*shared / "cnn", kShape);
  const Tensor made = pictures(1), real = pictures(2);
  EXPECT_EQ(loss(real, real, DType::f32).item(), 0);
  const PictureClassifier classifier(*shared / "cnn");
  const auto& network = dynamic_cast<const model::ResidualCnn&>(classifier.model());
  const data::PixelStatistics& pixels = classifier.config().pixels;
  // From -1 to 1, which is (p - 0.5) / 0.5 of p from 0 to 1.
  const auto maps_of = [&](const Tensor& x) {
    const double factor = 0.5 / pixels.deviation[0], shift = (0.5 - pixels.mean[0]) / pixels.deviation[0];
    return network.stage_maps(op::add_scalar(op::scale(x, factor), shift));
  };
  const auto found = maps_of(made), expected = maps_of(real);
  ASSERT_EQ(found.size(), 2u);
  double total = 0;
  for (std::size_t stage = 0; stage < 2; ++stage) {
    const auto f = found[stage].to_vector<double>(), e = expected[stage].to_vector<double>();
    const auto channels = static_cast<std::size_t>(found[stage].dim(3));
    const std::size_t places = f.size() / channels;
    const auto rows = static_cast<double>(places);
    std::vector<double> error(channels), sum(channels), squares(channels);
    for (std::size_t i = 0; i < f.size(); ++i) {
      error[i % channels] += (f[i] - e[i]) * (f[i] - e[i]) / rows;
      sum[i % channels] += e[i] / rows;
      squares[i % channels] += e[i] * e[i] / rows;
    }
    double mean_variance = 0;
    for (std::size_t c = 0; c < channels; ++c)
      mean_variance += (squares[c] - sum[c] * sum[c]) / static_cast<double>(channels);
    for (std::size_t c = 0; c < channels; ++c)
      total += error[c] / (squares[c] - sum[c] * sum[c] + 0.01 * mean_variance) /
               static_cast<double>(channels) / 2;
  }
  EXPECT_NEAR(loss(made, real, DType::f32).item(), 64 * total, 1e-3 * 64 * total);
  EXPECT_GT(total, 0.1);
}

TEST_F(PerceptualLossTest, GradientMatchesFiniteDifferencesAndIsOfWhatWasMadeAlone) {
  const PerceptualLoss loss(*shared / "cnn", kShape);
  const Tensor made = pictures(1), real = pictures(2), direction = pictures(3);
  for (const Tensor& tensor : {made, real}) autograd::set_requires_grad(tensor);
  autograd::backward(loss(made, real, DType::f32));
  EXPECT_FALSE(autograd::grad(real).defined());
  const double slope = op::sum(op::multiply(autograd::grad(made), direction)).item();
  const autograd::NoGrad no_grad;
  // In f32: a step large enough that rounding is little of the difference, near enough to no kink of ReLU.
  constexpr double kStep = 2e-3;
  const auto at = [&](double step) {
    return double{loss(op::add(made, op::scale(direction, step)), real, DType::f32).item()};
  };
  const double difference = (at(kStep) - at(-kStep)) / (2 * kStep);
  EXPECT_TRUE(std::abs(difference - slope) <= 0.02 * std::abs(slope)) << difference << " " << slope;
  EXPECT_GT(std::abs(slope), 1e-2);
}

TEST_F(PerceptualLossTest, RefusesWhatHasNoSuchMaps) {
  EXPECT_ERROR(PerceptualLoss(*shared / "vit", kShape), "a residual network (--model cnn) needed");
  model::PictureShape other = kShape;
  other.width = 9;
  EXPECT_ERROR(PerceptualLoss(*shared / "cnn", other), "8 x 8 with 1 channels, not of 8 x 9 with 1");
  EXPECT_ERROR(PerceptualLoss(*shared / "nothing", kShape), "nothing");
}

TEST_F(PerceptualLossTest, AnAutoencoderThatLearnsByItKeepsMoreOfTheMaps) {
  const OneThread one;
  const PerceptualLoss loss(*shared / "cnn", kShape);
  double lost[2];
  for (const bool by_it : {false, true}) {
    const ImageGenerateJob job = painter_job(by_it ? "by" : "without", by_it);
    train_image_generate(job);
    lost[by_it ? 1 : 0] = perceptual_loss_of(job.out, loss);
  }
  EXPECT_LT(lost[1], 0.9 * lost[0]);
}

TEST_F(PerceptualLossTest, InterruptedAndResumedGivesTheSameBits) {
  const OneThread one;
  ImageGenerateJob whole = painter_job("whole", true), parts = painter_job("parts", true);
  for (ImageGenerateJob* job : {&whole, &parts}) {
    job->options.steps = 8;
    job->options.evaluate_every = 3;
  }
  train_image_generate(whole);
  test::Watcher watcher;
  watcher.stop_after = 5;
  parts.observer = &watcher;
  parts.stop = &watcher.stop;
  EXPECT_EQ(train_image_generate(parts).results->ended, "interrupted");
  parts.observer = nullptr;
  parts.stop = nullptr;
  parts.resume = true;
  train_image_generate(parts);
  EXPECT_TRUE(test::read_all(whole.out / "model.safetensors") ==
              test::read_all(parts.out / "model.safetensors"));
  ImageGenerateJob without = painter_job("plain", false);
  without.options.steps = 8;
  train_image_generate(without);
  EXPECT_FALSE(test::read_all(whole.out / "model.safetensors") ==
               test::read_all(without.out / "model.safetensors"));
}

}  // namespace
}  // namespace attend::task
