// When a training stops, what it keeps, and what it never writes.

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cmath>
#include <csignal>
#include <cstring>
#include <limits>

#include "attend/autograd/tape.h"
#include "attend/io/safetensors.h"
#include "attend/train/checkpoint.h"
#include "attend/train/trainer.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"
#include "support/toy_training.h"

namespace attend::train {
namespace {

TEST(Trainer, KeepsTheBestModel) {
  test::TemporaryFolder folder;
  Toy toy;
  std::vector<double> losses = {3, 2, 2.5, 2.25};
  std::vector<Tensor> weights;
  toy.job.evaluate = [&] {
    weights.push_back(toy.w1.clone());
    return losses[weights.size() - 1];
  };
  const TrainingResult result = run_training(toy.job, options_for(folder / "model"));
  EXPECT_EQ(*result.best, 2);
  EXPECT_EQ(result.best_step, 20);
  const auto file = io::SafetensorsFile::open(folder / "model/model.safetensors");
  EXPECT_EQ(std::memcmp(file.at("w1").data.data(), weights[1].raw(), file.at("w1").data.size()), 0);
}

TEST(Trainer, StopsEarly) {
  test::TemporaryFolder folder;
  Toy toy;
  int calls = 0;
  toy.job.evaluate = [&] { return ++calls == 2 ? 1.0 : 2.0; };
  TrainerOptions options = options_for(folder / "model", 100);
  options.patience = 3;
  const TrainingResult result = run_training(toy.job, options);
  EXPECT_EQ(result.reason, StopReason::early_stopping);
  EXPECT_EQ(result.step, 50);
  EXPECT_EQ(result.best_step, 20);
  options.resume = true;
  EXPECT_EQ(run_training(toy.job, options).step, 50);
  EXPECT_EQ(calls, 5);
}

TEST(Trainer, StopsWhenTheTimeIsOver) {
  Toy toy;
  Recorder recorder;
  toy.job.observer = &recorder;
  TrainerOptions options = options_for({}, 0);
  options.minutes = 0.2 / 60;
  options.schedule.minimum = 0.001;
  const TrainingResult result = run_training(toy.job, options);
  EXPECT_EQ(result.reason, StopReason::minutes);
  EXPECT_GE(result.seconds, 0.2);
  ASSERT_GE(recorder.evaluations.size(), 1u);
  EXPECT_EQ(recorder.evaluations.back().step, result.step);
  for (const StepReport& report : recorder.steps) {
    EXPECT_GE(report.learning_rate, 0.001);
    EXPECT_LE(report.learning_rate, 0.01);
  }
}

TEST(Trainer, StopsAtNaNAndKeepsTheLastGoodCheckpoint) {
  test::TemporaryFolder folder;
  Toy toy;
  toy.job.loss_of = [&, loss_of = toy.job.loss_of](std::int64_t batch) {
    if (batch == 15) toy.w2.data<float>()[3] = std::nanf("");
    return loss_of(batch);
  };
  EXPECT_ERROR(run_training(toy.job, options_for(folder / "model")), "step 16: the loss is nan");
  for (const Parameter& p : toy.parameters) EXPECT_FALSE(autograd::grad(p.tensor).defined());
  EXPECT_EQ(CheckpointFolder(folder / "model/training").find()->step, 12);
  // The same run without the accident goes on from there.
  Toy fresh, whole;
  TrainerOptions options = options_for(folder / "model");
  options.resume = true;
  run_training(fresh.job, options);
  run_training(whole.job, options_for(folder / "whole"));
  EXPECT_EQ(bits_of(folder / "model"), bits_of(folder / "whole"));
}

TEST(Trainer, NeverSavesBadWeights) {
  test::TemporaryFolder folder;
  Toy toy;
  Recorder recorder;
  // Between the update of step 12 and its save.
  recorder.also = [&](const StepReport& report) {
    if (report.step == 12) toy.w1.data<float>()[0] = std::numeric_limits<float>::infinity();
  };
  toy.job.observer = &recorder;
  EXPECT_ERROR(run_training(toy.job, options_for(folder / "model")), "the checkpoint of step 10 is kept");
  EXPECT_EQ(CheckpointFolder(folder / "model/training").find()->step, 10);
}

TEST(Trainer, StopsAtAValidationLossThatIsNotFinite) {
  Toy toy;
  toy.job.evaluate = [] { return std::nan(""); };
  EXPECT_ERROR(run_training(toy.job, options_for()), "validation loss");
}

/// Trains until writes beyond `bytes` fail, from step 20 on; returns the error.
std::string error_of_full_disk(const fs::path& folder, TrainerOptions options, rlim_t bytes) {
  Toy toy;
  Recorder recorder;
  rlimit old;
  getrlimit(RLIMIT_FSIZE, &old);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  // A limit on the size of files stops a write in its middle, as a full disk does.
  recorder.also = [&](const StepReport& report) {
    rlimit small = old;
    small.rlim_cur = bytes;
    if (report.step == 20) setrlimit(RLIMIT_FSIZE, &small);
  };
  toy.job.observer = &recorder;
  toy.job.evaluate = nullptr;
  options.folder = folder;
  const std::string message = test::error_of([&] { run_training(toy.job, options); });
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  return message;
}

TEST(Trainer, FullDiskKeepsTheCheckpointBefore) {
  test::TemporaryFolder folder;
  TrainerOptions options = options_for(folder / "whole");
  options.log_every = 0;
  Toy whole;
  whole.job.evaluate = nullptr;
  run_training(whole.job, options);
  const std::pair<rlim_t, std::string> cases[] = {{2000, "model.safetensors"},
                                                  {4000, "optimizer.safetensors"}};
  for (const auto& [bytes, file] : cases) {
    const fs::path model = folder / file;
    const std::string message = error_of_full_disk(model, options, bytes);
    EXPECT_NE(message.find("cannot write"), std::string::npos) << message;
    EXPECT_NE(message.find(file + ":"), std::string::npos) << message;
    EXPECT_EQ(CheckpointFolder(model / "training").find()->step, 18);
    Toy fresh;
    fresh.job.evaluate = nullptr;
    TrainerOptions again = options;
    again.folder = model;
    again.resume = true;
    run_training(fresh.job, again);
    EXPECT_EQ(bits_of(model), bits_of(folder / "whole"));
  }
}

}  // namespace
}  // namespace attend::train
