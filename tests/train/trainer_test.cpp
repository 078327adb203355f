#include "attend/train/trainer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "attend/autograd/tape.h"
#include "attend/base/parallel.h"
#include "attend/io/safetensors.h"
#include "attend/op/linear.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/random_tensor.h"
#include "support/temporary_folder.h"
#include "support/toy_training.h"
#include "train/tensor_file.h"

namespace attend::train {
namespace {

TEST(Trainer, SameBitsForAnyNumberOfThreads) {
  const int before = threads();
  Toy one, two;
  set_threads(1);
  run_training(one.job, options_for());
  set_threads(2);
  run_training(two.job, options_for());
  set_threads(before);
  EXPECT_TRUE(test::same_bits(one.w1, two.w1));
  EXPECT_TRUE(test::same_bits(one.w2, two.w2));
}

TEST(Trainer, EvaluationChangesNothing) {
  Toy often, never;
  TrainerOptions options = options_for();
  options.evaluate_every = 1;
  run_training(often.job, options);
  never.job.evaluate = nullptr;
  run_training(never.job, options);
  EXPECT_TRUE(test::same_bits(often.w1, never.w1));
  EXPECT_EQ(often.random.position(), never.random.position());
}

TEST(Trainer, LearnsAndReports) {
  Toy toy;
  Recorder recorder;
  toy.job.observer = &recorder;
  const TrainingResult result = run_training(toy.job, options_for());
  ASSERT_EQ(recorder.steps.size(), 40u);
  EXPECT_EQ(recorder.steps.front().step, 1);
  EXPECT_EQ(recorder.steps.back().step, 40);
  EXPECT_EQ(recorder.steps.back().seconds_left, 0);
  EXPECT_LT(result.loss, 0.3 * recorder.steps.front().loss);
  EXPECT_EQ(result.loss, recorder.steps.back().loss);
  EXPECT_GT(recorder.steps.back().items_per_second, 0);
  EXPECT_GT(recorder.steps.back().gradient_norm, 0);
  EXPECT_DOUBLE_EQ(recorder.steps[0].learning_rate, 0.002);
  ASSERT_EQ(recorder.evaluations.size(), 4u);
  EXPECT_EQ(*result.best, recorder.evaluations.back().loss);
  EXPECT_EQ(result.best_step, 40);
  for (const Parameter& p : toy.parameters) EXPECT_FALSE(autograd::grad(p.tensor).defined());
}

TEST(Trainer, PlayersLearnAtRatesOfTheirOwn) {
  Toy half, usual, turns;
  TrainerOptions options = options_for();
  options.accumulate = 2;
  half.job.learning_rate_factor = [](std::int64_t) { return 0.5; };
  run_training(half.job, options);
  TrainerOptions slower = options;
  slower.schedule.maximum /= 2;
  slower.schedule.minimum /= 2;
  run_training(usual.job, slower);
  EXPECT_TRUE(test::same_bits(half.w1, usual.w1));
  // Asked for the first batch of each update.
  Recorder recorder;
  turns.job.observer = &recorder;
  turns.job.learning_rate_factor = [](std::int64_t batch) { return 1 + static_cast<double>(batch); };
  options.schedule = {.decay = Decay::constant, .maximum = 1e-9};
  run_training(turns.job, options);
  for (std::size_t i = 0; i < recorder.steps.size(); ++i)
    EXPECT_DOUBLE_EQ(recorder.steps[i].learning_rate, 1e-9 * (1 + 2 * static_cast<double>(i)));
}

TEST(Trainer, ChoosesWeightsByTheMetricAndThenByTheLoss) {
  const auto best_step = [](std::vector<Validation> found, const fs::path& folder) {
    Toy toy;
    Recorder recorder;
    toy.job.observer = &recorder;
    std::size_t next = 0;
    toy.job.evaluate = [&] { return found[next++]; };
    TrainerOptions options = options_for(folder);
    options.evaluate_every = 10;
    const TrainingResult result = run_training(toy.job, options);
    EXPECT_EQ(recorder.evaluations.size(), 4u);
    EXPECT_EQ(recorder.evaluations[1].metric, found[1].metric);
    const auto& best = found[static_cast<std::size_t>(result.best_step / 10 - 1)];
    EXPECT_EQ(result.best, best.loss);
    EXPECT_EQ(result.best_metric, best.metric);
    return result.best_step;
  };
  EXPECT_EQ(best_step({{0.4, 0.5}, {0.5, 0.7}, {0.3, 0.6}, {0.6, 0.7}}, {}), 20);
  EXPECT_EQ(best_step({{0.4, 0.5}, {0.5, 0.7}, {0.3, 0.6}, {0.4, 0.7}}, {}), 40);
  EXPECT_EQ(best_step({0.4, 0.5, 0.3, 0.6}, {}), 30);
  test::TemporaryFolder folder;
  EXPECT_EQ(best_step({{0.4, 0.5}, {0.5, 0.7}, {0.3, 0.6}, {0.6, 0.7}}, folder / "model"), 20);
  const auto lines = lines_of(folder / "model");
  EXPECT_EQ(std::ranges::count_if(lines, [](const auto& line) { return line.contains("validation_metric"); }),
            4);
  // A resumed run remembers the metric.
  Toy toy;
  toy.job.evaluate = [] { return Validation(0.1, 0.65); };
  TrainerOptions more = options_for(folder / "model", 50);
  more.resume = true;
  const TrainingResult resumed = run_training(toy.job, more);
  EXPECT_EQ(resumed.best_step, 20);
  EXPECT_EQ(resumed.best_metric, 0.7);
}

TEST(Trainer, WritesTheModelFolder) {
  test::TemporaryFolder folder;
  Toy toy;
  TrainerOptions options = options_for(folder / "model");
  options.notes = {{"precision", "bf16"}};
  run_training(toy.job, options);
  const auto file = io::SafetensorsFile::open(folder / "model/model.safetensors");
  EXPECT_EQ(file.names().size(), 3u);
  EXPECT_EQ(file.metadata().at("format"), "pt");
  EXPECT_TRUE(fs::exists(folder / "model/events.out.tfevents.attend"));
  EXPECT_TRUE(fs::exists(folder / "model/training/checkpoint-40/manifest.json"));
  const auto lines = lines_of(folder / "model");
  EXPECT_EQ(lines.front().dump(), R"({"event":"start","precision":"bf16","step":0})");
  EXPECT_EQ(losses_of(folder / "model").substr(0, 2), "1:");
  for (const char* name : {"step", "loss", "learning_rate", "gradient_norm", "tokens_per_second", "seconds"})
    EXPECT_TRUE(lines[1].contains(name)) << name;
  EXPECT_EQ(read_notes(folder / "model")->at("precision"), "bf16");
  EXPECT_FALSE(read_notes(folder / "none"));
  EXPECT_ERROR(run_training(toy.job, options), "already holds a training run");
}

TEST(Trainer, LogsMoreNumbersWhereThereAreSome) {
  const test::TemporaryFolder folder;
  Toy toy;
  TrainerOptions options = options_for(folder.path());
  options.log_every = 1;
  std::int64_t asked = 0;
  toy.job.more_metrics = [&asked]() -> Metrics { return {{"asked", ++asked}}; };
  run_training(toy.job, options);
  std::int64_t seen = 0;
  for (const auto& line : lines_of(folder.path())) {
    if (!line.contains("learning_rate")) continue;
    EXPECT_EQ(line["asked"], ++seen) << line;
  }
  EXPECT_EQ(seen, 40);
}

// Two players by the number of the batch: whose turn it is not keeps weights and moments.
TEST(Trainer, LeavesParametersThatALossDoesNotReach) {
  const auto trained = [](const std::function<bool(std::int64_t)>& frozen) {
    Toy toy;
    const auto loss_of = toy.job.loss_of;
    toy.job.loss_of = [&](std::int64_t batch) {
      autograd::set_requires_grad(toy.w1, !frozen(batch));
      const Tensor loss = loss_of(batch);
      autograd::set_requires_grad(toy.w1);
      return loss;
    };
    const Tensor before = toy.w1.clone();
    run_training(toy.job, options_for());
    return std::pair(before, toy.w1.clone());
  };
  const auto [start, always] = trained([](std::int64_t) { return true; });
  EXPECT_TRUE(test::same_bits(start, always));
  const auto [again, in_turn] = trained([](std::int64_t batch) { return batch % 2 == 1; });
  EXPECT_FALSE(test::same_bits(again, in_turn));
}

// With TensorFlow's growing decay, from the weights that training itself goes through.
TEST(Trainer, EvaluatesAndKeepsTheMovingAverageOfTheWeights) {
  test::TemporaryFolder folder;
  Toy toy, plain;
  run_training(plain.job, options_for({}, 30));

  std::vector<double> average = toy.w1.to_vector<double>();
  Recorder recorder;
  recorder.also = [&](const StepReport& report) {
    const auto t = static_cast<double>(report.step);
    const double decay = std::min(0.7, (1 + t) / (10 + t));
    const std::vector<double> now = toy.w1.to_vector<double>();
    for (std::size_t i = 0; i < now.size(); ++i) average[i] = decay * average[i] + (1 - decay) * now[i];
  };
  const auto expect_average = [&](const Tensor& found) {
    EXPECT_TRUE(test::close(found, Tensor::from(average, toy.w1.shape()), 1e-5, 1e-6));
    EXPECT_FALSE(test::close(found, plain.w1, 1e-5, 1e-6));
  };
  toy.job.observer = &recorder;
  toy.job.evaluate = [&, loss_of = toy.job.evaluate] {
    expect_average(toy.w1);
    return loss_of();
  };
  TrainerOptions options = options_for(folder / "model", 30);
  options.ema_decay = 0.7;
  const TrainingResult result = run_training(toy.job, options);
  ASSERT_EQ(result.best_step, 30);
  EXPECT_EQ(recorder.evaluations.size(), 3u);
  const NamedTensors expected = {{"w1", toy.w1}, {"b1", toy.b1}, {"w2", toy.w2}};
  expect_average(read_tensors(folder / "model/model.safetensors", expected)[0].second);
  EXPECT_TRUE(test::same_bits(toy.w1, plain.w1));
}

TEST(Trainer, AccumulatedBatchesAreOneLargeBatch) {
  // Without noise, the mean of the gradients of two batches is the gradient of both together.
  Toy parts, whole;
  parts.job.loss_of = [&](std::int64_t batch) {
    const Tensor x = test::random_tensor({4, 16}, DType::f32, static_cast<std::uint64_t>(batch));
    return mean_square(op::linear(op::linear(x, parts.w1, parts.b1), parts.w2));
  };
  whole.job.loss_of = [&](std::int64_t batch) {
    const Tensor x = Tensor::empty({8, 16});
    for (int half = 0; half < 2; ++half)
      x.view_as({4, 16}, {16, 1}, half * 64)
          .copy_from(test::random_tensor({4, 16}, DType::f32, static_cast<std::uint64_t>(2 * batch + half)));
    return mean_square(op::linear(op::linear(x, whole.w1, whole.b1), whole.w2));
  };
  TrainerOptions options = options_for();
  const TrainingResult large = run_training(whole.job, options);
  options.accumulate = 2;
  const TrainingResult accumulated = run_training(parts.job, options);
  EXPECT_NEAR(accumulated.loss, large.loss, 1e-4 * large.loss);
  EXPECT_TRUE(test::close(parts.w1, whole.w1, 1e-3, 1e-4));
}

TEST(Trainer, RefusesBadOptions) {
  Toy toy;
  const auto with = [&](auto change) {
    TrainerOptions options = options_for();
    change(options);
    return [&toy, options] { run_training(toy.job, options); };
  };
  EXPECT_ERROR(with([](auto& o) { o.steps = 0; })(), "steps or of minutes");
  EXPECT_ERROR(with([](auto& o) { o.steps = -1; })(), "steps is -1");
  EXPECT_ERROR(with([](auto& o) { o.minutes = std::nan(""); })(), "minutes");
  EXPECT_ERROR(with([](auto& o) { o.accumulate = 0; })(), "accumulate");
  EXPECT_ERROR(with([](auto& o) { o.clip = -1; })(), "clip");
  EXPECT_ERROR(with([](auto& o) { o.ema_decay = 1; })(), "ema decay");
  EXPECT_ERROR(with([](auto& o) { o.ema_decay = std::nan(""); })(), "ema decay");
  EXPECT_ERROR(with([](auto& o) { o.schedule.maximum = -1; })(), "learning rate");
  EXPECT_ERROR(with([](auto& o) { o.save_every = -5; })(), "save every");
  EXPECT_ERROR(run_training({}, options_for()), "parameters, an optimizer and a loss");
}

}  // namespace
}  // namespace attend::train
