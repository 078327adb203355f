#include "attend/train/trainer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "attend/autograd/tape.h"
#include "attend/base/parallel.h"
#include "attend/io/file.h"
#include "attend/io/safetensors.h"
#include "attend/op/linear.h"
#include "attend/train/checkpoint.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/random_tensor.h"
#include "support/temporary_folder.h"

namespace attend::train {
namespace {

namespace fs = std::filesystem;

/// Flushing to a real disk would take most of the time; the order of the writes is the same in memory.
struct FastFolders : ::testing::Environment {
  void SetUp() override {
    if (::access("/dev/shm", W_OK) == 0) ::setenv("TMPDIR", "/dev/shm", 0);
  }
};
const auto* const kFastFolders = ::testing::AddGlobalTestEnvironment(new FastFolders);

/// mean(y^2), one element.
Tensor mean_square(const Tensor& y) {
  const std::int64_t n = y.elements();
  const float* p = y.data<float>();
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += static_cast<double>(p[i]) * p[i];
  const Tensor loss = Tensor::full({}, sum / static_cast<double>(n));
  if (autograd::is_recording({y}))
    autograd::record("mean_square", {y}, {loss}, [value = y.detach(), n](const autograd::Tensors& gradients) {
      const double factor = 2 * gradients[0].item() / static_cast<double>(n);
      const Tensor dy = Tensor::empty(value.shape());
      for (std::int64_t i = 0; i < n; ++i)
        dy.data<float>()[i] = static_cast<float>(factor * static_cast<double>(value.data<float>()[i]));
      return autograd::Tensors{dy};
    });
  return loss;
}

/// Learns to map noisy inputs to zero by two linear layers; the noise comes from the generator, the inputs
/// from the number of the batch.
struct Toy {
  Tensor w1 = test::random_tensor({24, 16}, DType::f32, 1, -0.5, 0.5);
  Tensor b1 = test::random_tensor({24}, DType::f32, 2);
  Tensor w2 = test::random_tensor({8, 24}, DType::f32, 3, -0.5, 0.5);
  Generator random{42};
  std::vector<Parameter> parameters;
  std::unique_ptr<AdamW> optimizer;
  TrainingJob job;

  Toy() {
    for (const Tensor& t : {w1, b1, w2}) autograd::set_requires_grad(t);
    parameters = {{"w1", w1, true}, {"b1", b1, false}, {"w2", w2, true}};
    optimizer = std::make_unique<AdamW>(parameters);
    job.parameters = parameters;
    job.optimizer = optimizer.get();
    job.random = &random;
    job.loss_of = [this](std::int64_t batch) {
      const Tensor x = test::random_tensor({32, 16}, DType::f32, 1000 + static_cast<std::uint64_t>(batch));
      const auto noise = static_cast<float>(random.uniform());
      for (std::int64_t i = 0; i < x.elements(); ++i) x.data<float>()[i] += noise;
      return mean_square(op::linear(op::linear(x, w1, b1), w2));
    };
    job.evaluate = [this] {
      random.next();  // must not disturb training
      return mean_square(op::linear(op::linear(test::random_tensor({8, 16}, DType::f32, 7), w1, b1), w2))
          .item();
    };
    job.tokens_per_batch = 32;
  }
};

TrainerOptions options_for(const fs::path& folder = {}, std::int64_t steps = 40) {
  return {.steps = steps,
          .schedule = {.decay = Decay::cosine, .maximum = 0.01, .warmup = 5},
          .evaluate_every = 10,
          .save_every = 6,
          .log_every = 4,
          .folder = folder};
}

/// Everything that must be equal after a run in one piece and after one in many.
std::string bits_of(const fs::path& folder) {
  const auto found = CheckpointFolder(folder / "training").find();
  if (!found) return "no checkpoint";
  auto state = nlohmann::json::parse(io::read_file(found->folder / "state.json"));
  state.erase("seconds");
  return io::read_file(folder / "model.safetensors") + io::read_file(found->folder / "weights.safetensors") +
         io::read_file(found->folder / "optimizer.safetensors") + state.dump();
}

std::vector<nlohmann::json> lines_of(const fs::path& folder) {
  std::istringstream text(io::read_file(folder / "metrics.jsonl"));
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

/// "step:loss" or "step:v:loss" of each line; what depends on the clock is left out.
std::string losses_of(const fs::path& folder) {
  std::string text;
  for (const auto& line : lines_of(folder)) {
    if (line.contains("loss")) text += fmt::format("{}:{} ", line["step"].dump(), line["loss"].dump());
    if (line.contains("validation_loss"))
      text += fmt::format("{}:v:{} ", line["step"].dump(), line["validation_loss"].dump());
  }
  return text;
}

struct Recorder : Observer {
  std::vector<StepReport> steps;
  std::vector<EvaluationReport> evaluations;
  std::vector<std::int64_t> saves;
  std::vector<std::string> messages;
  std::function<void(const StepReport&)> also;
  void on_step(const StepReport& report) override {
    steps.push_back(report);
    if (also) also(report);
  }
  void on_evaluation(const EvaluationReport& report) override { evaluations.push_back(report); }
  void on_save(std::int64_t step) override { saves.push_back(step); }
  void on_message(std::string_view line) override { messages.emplace_back(line); }
};

/// Trains in the folder named by the environment, or one of its own: the child of the tests that kill, which
/// resumes until all is done, and dies by itself in the batch ATTEND_TEST_KILL_AT.
TEST(Trainer, ResumesUntilDone) {
  const char* given = std::getenv("ATTEND_TEST_FOLDER");
  const char* kill_at = std::getenv("ATTEND_TEST_KILL_AT");
  std::optional<test::TemporaryFolder> temporary;
  const fs::path folder = given != nullptr ? fs::path(given) : temporary.emplace() / "model";
  Toy toy;
  if (kill_at != nullptr) {
    toy.job.loss_of = [loss_of = toy.job.loss_of, last = std::atoll(kill_at)](std::int64_t batch) {
      if (batch == last) ::kill(::getpid(), SIGKILL);
      return loss_of(batch);
    };
  }
  TrainerOptions options = options_for(folder);
  options.resume = true;
  const TrainingResult result = run_training(toy.job, options);
  EXPECT_EQ(result.step, 40);
  EXPECT_EQ(result.reason, StopReason::steps);
}

pid_t start_child(const fs::path& folder, const std::string& kill_at) {
  std::string program = fs::read_symlink("/proc/self/exe").string();
  std::string filter = "--gtest_filter=Trainer.ResumesUntilDone";
  std::vector<std::string> variables = {"ATTEND_TEST_FOLDER=" + folder.string()};
  if (!kill_at.empty()) variables.push_back("ATTEND_TEST_KILL_AT=" + kill_at);
  for (char** variable = environ; *variable != nullptr; ++variable) variables.emplace_back(*variable);
  std::vector<char*> environment, arguments = {program.data(), filter.data(), nullptr};
  for (std::string& variable : variables) environment.push_back(variable.data());
  environment.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(::open("/dev/null", O_WRONLY), STDOUT_FILENO);
    ::execve(program.c_str(), arguments.data(), environment.data());
    ::_exit(2);
  }
  return child;
}

/// Waits; true when the child has done all its work, false when it was killed.
bool finished(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) {
    EXPECT_EQ(WTERMSIG(status), SIGKILL);
    return false;
  }
  EXPECT_EQ(WEXITSTATUS(status), 0) << "a resume failed";
  return true;
}

TEST(Trainer, KilledInABatchAndResumedGivesTheSameBits) {
  test::TemporaryFolder folder;
  ASSERT_TRUE(finished(start_child(folder / "whole", "")));
  for (int batch : {0, 1, 6, 9, 10, 17, 25, 39})
    EXPECT_FALSE(finished(start_child(folder / "parts", fmt::format("{}", batch))));
  EXPECT_TRUE(finished(start_child(folder / "parts", "")));
  EXPECT_EQ(bits_of(folder / "parts"), bits_of(folder / "whole"));
  EXPECT_EQ(losses_of(folder / "parts"), losses_of(folder / "whole"));
}

TEST(Trainer, KilledAtAnyMomentAndResumedGivesTheSameBits) {
  test::TemporaryFolder folder;
  ASSERT_TRUE(finished(start_child(folder / "whole", "")));
  const std::uint64_t seed = 20;
  RecordProperty("seed", static_cast<int>(seed));
  Generator random(seed);
  for (int kills = 0; kills < 20; ++kills) {
    const pid_t child = start_child(folder / "parts", "");
    ::usleep(static_cast<useconds_t>(random.below(250'000)));
    ::kill(child, SIGKILL);
    if (finished(child))
      fs::remove_all(folder / "parts");  // faster than the signal: once more from the start
  }
  EXPECT_TRUE(finished(start_child(folder / "parts", "")));
  EXPECT_EQ(bits_of(folder / "parts"), bits_of(folder / "whole"));
  EXPECT_EQ(losses_of(folder / "parts"), losses_of(folder / "whole"));
}

TEST(Trainer, InterruptedAnywhereAndResumedGivesTheSameBits) {
  test::TemporaryFolder folder;
  Toy whole;
  run_training(whole.job, options_for(folder / "whole", 25));
  for (std::int64_t at : {1, 6, 7, 20, 24}) {
    const fs::path parts = folder / fmt::format("parts{}", at);
    std::atomic<bool> stop = false;
    {
      Toy toy;
      Recorder recorder;
      recorder.also = [&](const StepReport& report) { stop = report.step == at; };
      toy.job.observer = &recorder;
      TrainerOptions options = options_for(parts, 25);
      options.stop = &stop;
      const TrainingResult result = run_training(toy.job, options);
      EXPECT_EQ(result.reason, StopReason::interrupted);
      EXPECT_EQ(result.step, at);
      EXPECT_TRUE(fs::exists(parts / "model.safetensors"));
    }
    Toy toy;
    TrainerOptions options = options_for(parts, 25);
    options.resume = true;
    const TrainingResult result = run_training(toy.job, options);
    EXPECT_EQ(result.reason, StopReason::steps);
    EXPECT_EQ(bits_of(parts), bits_of(folder / "whole")) << at;
    EXPECT_EQ(losses_of(parts), losses_of(folder / "whole")) << at;
    EXPECT_TRUE(test::same_bits(toy.w1, whole.w1));
    EXPECT_EQ(toy.random.position(), whole.random.position());
  }
}

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
  EXPECT_GT(recorder.steps.back().tokens_per_second, 0);
  EXPECT_GT(recorder.steps.back().gradient_norm, 0);
  EXPECT_DOUBLE_EQ(recorder.steps[0].learning_rate, 0.002);
  ASSERT_EQ(recorder.evaluations.size(), 4u);
  EXPECT_EQ(*result.best, recorder.evaluations.back().loss);
  EXPECT_EQ(result.best_step, 40);
  for (const Parameter& p : toy.parameters) EXPECT_FALSE(autograd::grad(p.tensor).defined());
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

TEST(Trainer, ResumeFallsBackAndSaysSo) {
  test::TemporaryFolder folder;
  Toy toy;
  Recorder recorder;
  const fs::path training = folder / "model/training";
  recorder.also = [&](const StepReport& report) {
    if (report.step == 13) fs::copy(training / "checkpoint-12", folder / "kept", fs::copy_options::recursive);
  };
  toy.job.observer = &recorder;
  run_training(toy.job, options_for(folder / "model", 14));
  const std::string whole = bits_of(folder / "model");
  io::write_file_atomically(training / "checkpoint-14/state.json", "{}");
  TrainerOptions options = options_for(folder / "model", 14);
  options.resume = true;
  Toy fresh;
  fresh.job.observer = &recorder;
  EXPECT_ERROR(run_training(fresh.job, options), "checkpoint-14/state.json");
  fs::rename(folder / "kept", training / "checkpoint-12");
  recorder.also = nullptr;
  EXPECT_EQ(run_training(fresh.job, options).step, 14);
  ASSERT_EQ(recorder.messages.size(), 1u);
  EXPECT_NE(recorder.messages[0].find("checkpoint-14/state.json"), std::string::npos);
  EXPECT_NE(recorder.messages[0].find("going on from step 12"), std::string::npos);
  EXPECT_EQ(bits_of(folder / "model"), whole);
}

TEST(Trainer, RefusesAnotherModel) {
  test::TemporaryFolder folder;
  Toy toy, other;
  run_training(toy.job, options_for(folder / "model", 5));
  other.job.parameters.pop_back();
  TrainerOptions options = options_for(folder / "model", 5);
  options.resume = true;
  EXPECT_ERROR(run_training(other.job, options), "unexpected tensor w2");
}

TEST(Trainer, RefusesDamagedState) {
  test::TemporaryFolder folder;
  Toy toy;
  run_training(toy.job, options_for(folder / "model", 5));
  const fs::path checkpoint = folder / "model/training/checkpoint-5";
  const auto good = nlohmann::json::parse(io::read_file(checkpoint / "state.json"));
  // Each with a manifest that fits: what a program with a fault, or an attacker, would write.
  const auto refused = [&](const std::string& name, const nlohmann::json& value) {
    nlohmann::json state = good;
    state[name] = value;
    std::vector<CheckpointFile> files;
    for (const char* file : {"weights.safetensors", "optimizer.safetensors"})
      files.push_back(
          {file, [content = io::read_file(CheckpointFolder(folder / "model/training").find()->folder / file)](
                     const fs::path& path) { io::write_file_atomically(path, content); }});
    files.push_back(
        {"state.json", [&](const fs::path& path) { io::write_file_atomically(path, state.dump()); }});
    CheckpointFolder(folder / "model/training").save(5, files);
    TrainerOptions options = options_for(folder / "model", 9);
    options.resume = true;
    Toy fresh;
    EXPECT_ERROR(run_training(fresh.job, options), "\"" + name + "\"");
  };
  refused("format", 2);
  refused("step", 4);
  refused("step", -1);
  refused("batch", "5");
  refused("batch", std::numeric_limits<std::int64_t>::max());
  refused("seconds", nullptr);
  refused("random_seed", -1);
  refused("best", "low");
  refused("notes", 3);
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
  EXPECT_ERROR(with([](auto& o) { o.schedule.maximum = -1; })(), "learning rate");
  EXPECT_ERROR(with([](auto& o) { o.save_every = -5; })(), "save every");
  EXPECT_ERROR(run_training({}, options_for()), "parameters, an optimizer and a loss");
}

}  // namespace
}  // namespace attend::train
