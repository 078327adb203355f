#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "attend/autograd/tape.h"
#include "attend/io/file.h"
#include "attend/op/linear.h"
#include "attend/train/checkpoint.h"
#include "attend/train/trainer.h"
#include "support/random_tensor.h"

/// A training of milliseconds, and what it leaves.
namespace attend::train {

namespace fs = std::filesystem;

/// Flushing to a real disk would take most of the time; the order of the writes is the same in memory.
struct FastFolders : ::testing::Environment {
  void SetUp() override {
    if (::access("/dev/shm", W_OK) == 0) ::setenv("TMPDIR", "/dev/shm", 0);
  }
};
inline const auto* const kFastFolders = ::testing::AddGlobalTestEnvironment(new FastFolders);

/// mean(y^2), one element.
inline Tensor mean_square(const Tensor& y) {
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
    job.items_per_batch = 32;
  }
};

inline TrainerOptions options_for(const fs::path& folder = {}, std::int64_t steps = 40) {
  return {.steps = steps,
          .schedule = {.decay = Decay::cosine, .maximum = 0.01, .warmup = 5},
          .evaluate_every = 10,
          .save_every = 6,
          .log_every = 4,
          .folder = folder};
}

/// Everything that must be equal after a run in one piece and after one in many.
inline std::string bits_of(const fs::path& folder) {
  const auto found = CheckpointFolder(folder / "training").find();
  if (!found) return "no checkpoint";
  auto state = nlohmann::json::parse(io::read_file(found->folder / "state.json"));
  state.erase("seconds");
  const fs::path average = found->folder / "average.safetensors";
  return io::read_file(folder / "model.safetensors") + io::read_file(found->folder / "weights.safetensors") +
         (fs::exists(average) ? io::read_file(average) : "") +
         io::read_file(found->folder / "optimizer.safetensors") + state.dump();
}

inline std::vector<nlohmann::json> lines_of(const fs::path& folder) {
  std::istringstream text(io::read_file(folder / "metrics.jsonl"));
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

/// "step:loss" or "step:v:loss" of each line; what depends on the clock is left out.
inline std::string losses_of(const fs::path& folder) {
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

}  // namespace attend::train
