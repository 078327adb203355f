#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "attend/attention/attend.h"
#include "attend/attention/mechanism.h"
#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "attend/data/synthetic.h"
#include "attend/explain/png.h"
#include "attend/io/file.h"
#include "attend/task/mechanism_comparison.h"
#include "cli/checks.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/verbs.h"
#include "io/printable.h"

namespace attend::cli {

namespace {

struct CompareOptions {
  std::vector<std::string> mechanisms, tasks;
  std::int64_t steps = task::ComparisonOptions{}.steps, batch = task::ComparisonOptions{}.batch;
  std::uint64_t seed = task::ComparisonOptions{}.seed;
  int threads = 0;
  bool json = false;
  std::string pictures, weights;
};

std::vector<data::SyntheticTask> all_tasks() {
  return {data::associative_recall(), data::long_copy(), data::nested_lists()};
}

std::vector<std::string> task_names() {
  std::vector<std::string> names;
  for (const data::SyntheticTask& task : all_tasks()) names.push_back(task.name);
  return names;
}

// Windows and blocks for sequences of some dozen tokens: those for thousands would take all of them.
AttentionSpec for_short_sequences(AttentionSpec spec) {
  attention::Place& place = spec.place;
  constexpr std::int64_t kWindow = 8, kBlock = 4, kGlobal = 2;
  place.window = std::min(place.window, kWindow);
  place.block = std::min(place.block, kBlock);
  place.global_tokens = std::min(place.global_tokens, kGlobal);
  place.prefix = std::min(place.prefix, kWindow);
  spec.gather.features = std::min<std::int64_t>(spec.gather.features, 2 * kWindow);
  return spec;
}

std::vector<std::string> mechanism_names() {
  std::vector<std::string> names;
  for (const attention::Mechanism& mechanism : attention::mechanisms()) names.emplace_back(mechanism.name);
  return names;
}

struct Line {
  std::string mechanism, error;
  std::vector<task::ComparisonResult> results;  // one for each task
  double tokens_per_second = 0;
  std::int64_t peak_bytes = 0;
};

Line measure(const std::string& name, const std::vector<data::SyntheticTask>& tasks,
             const CompareOptions& options) {
  Line line;
  line.mechanism = name;
  double tokens = 0, seconds = 0;
  try {
    for (const data::SyntheticTask& task : tasks) {
      const task::ComparisonResult result =
          task::train_with(for_short_sequences(attention::mechanism(name)), task,
                           {.steps = options.steps, .batch = options.batch, .seed = options.seed});
      line.results.push_back(result);
      tokens += static_cast<double>(task.length);
      seconds += static_cast<double>(task.length) / result.tokens_per_second;
      line.peak_bytes = std::max(line.peak_bytes, result.peak_bytes);
    }
    line.tokens_per_second = tokens / seconds;
  } catch (const Error& error) {
    line.error = error.what();
  }
  return line;
}

std::string to_text(const Line& line, std::size_t tasks) {
  std::string text = fmt::format("| {:<22} |", line.mechanism);
  if (!line.error.empty()) {
    for (std::size_t i = 0; i < tasks + 2; ++i) text += "       - |";
    return text;
  }
  constexpr double kMegabyte = 1e6;
  for (const task::ComparisonResult& result : line.results)
    text += fmt::format(" {:5.1f} % |", 100 * result.accuracy);
  return text + fmt::format(" {:7.0f} | {:7.1f} |", line.tokens_per_second,
                            static_cast<double>(line.peak_bytes) / kMegabyte);
}

std::string to_json(const Line& line, const std::vector<data::SyntheticTask>& tasks) {
  nlohmann::ordered_json json = {{"mechanism", line.mechanism}};
  if (!line.error.empty()) {
    json["error"] = line.error;
    return json.dump();
  }
  for (std::size_t i = 0; i < tasks.size(); ++i)
    json[tasks[i].name] = {{"accuracy", line.results[i].accuracy},
                           {"loss", line.results[i].loss},
                           {"tokens_per_second", line.results[i].tokens_per_second},
                           {"peak_bytes", line.results[i].peak_bytes}};
  return json.dump();
}

std::string heading(const std::vector<data::SyntheticTask>& tasks) {
  std::string names = fmt::format("| {:<22} |", "mechanism"), rule = "|" + std::string(24, '-') + "|";
  for (const data::SyntheticTask& task : tasks) {
    names += fmt::format(" {:>7} |", task.name);
    rule += "--------:|";
  }
  return names + "    tok/s |      MB |\n" + rule + "---------:|--------:|\n";
}

std::vector<data::SyntheticTask> chosen_tasks(const CompareOptions& options) {
  std::vector<data::SyntheticTask> tasks = all_tasks();
  if (!options.tasks.empty())
    std::erase_if(tasks, [&](const data::SyntheticTask& task) {
      return std::ranges::find(options.tasks, task.name) == options.tasks.end();
    });
  return tasks;
}

int compare(const CompareOptions& options) {
  const std::vector<data::SyntheticTask> tasks = chosen_tasks(options);
  if (!options.json) print(heading(tasks));
  std::string errors;
  for (const std::string& name : options.mechanisms) {
    const Line line = measure(name, tasks, options);
    print((options.json ? to_json(line, tasks) : to_text(line, tasks.size())) + "\n");
    if (!line.error.empty()) errors += fmt::format("\n{}: {}", name, line.error);
  }
  if (!options.json && !errors.empty()) print(errors + "\n");
  return kSuccess;
}

// How a mechanism would share its attention if all scores were equal: its mask, and what distance does. The
// largest weight of each query has the darkest colour.
explain::AttentionMaps mask_of(const std::string& name, bool causal) {
  constexpr std::int64_t kLength = 48, kHeads = 4, kDim = 8;
  AttentionSpec spec;
  spec.place = for_short_sequences(attention::mechanism(name, causal)).place;
  Generator random(1);
  attention::Run run;
  run.parameters =
      attention::initial_parameters(spec, {.heads = kHeads, .dim = kDim, .keys = kLength}, random);
  const Tensor zeros = Tensor::zeros({1, kLength, kHeads, kDim});
  const std::vector<float> weights = attention::weights(zeros, zeros, spec, run).to_vector<float>();
  explain::AttentionMaps maps;
  maps.queries = maps.keys = std::vector<std::string>(kLength, "x");
  maps.layers = maps.heads = 1;
  maps.causal = false;
  maps.title = name;
  maps.weights.assign(weights.begin(), weights.begin() + kLength * kLength);
  for (auto row = maps.weights.begin(); row != maps.weights.end(); row += kLength) {
    const float largest = *std::max_element(row, row + kLength);
    if (largest > 0) std::for_each(row, row + kLength, [&](float& weight) { weight /= largest; });
  }
  return maps;
}

void make_folder(const std::string& option, const std::string& folder) {
  std::error_code refused;
  std::filesystem::create_directories(folder, refused);
  if (refused)
    throw Error(
        fmt::format("{} {}: cannot make this folder: {}", option, io::printable(folder), refused.message()));
}

void write_picture(const std::filesystem::path& path, const explain::AttentionMaps& maps, int cell) {
  const std::vector<std::byte> png = explain::to_png(maps, {.cell = cell});
  io::write_file_atomically(path, {reinterpret_cast<const char*>(png.data()), png.size()});
  print(path.string() + "\n");
}

int draw_masks(const CompareOptions& options) {
  make_folder("--pictures", options.pictures);
  for (const std::string& name : options.mechanisms)
    for (const bool causal : {false, true})
      if (!causal || attention::find_mechanism(name).has_causal_form)
        write_picture(std::filesystem::path(options.pictures) / (name + (causal ? "_causal.png" : ".png")),
                      mask_of(name, causal), 4);
  return kSuccess;
}

// Collects the weights of all layers of one row.
class WeightsOfLayers : public attention::Observer {
 public:
  bool wants(std::int64_t /*layer*/) override { return true; }
  void observe(std::int64_t /*layer*/, const Tensor& weights) override {
    maps_.heads = weights.dim(1);
    maps_.queries.assign(static_cast<std::size_t>(weights.dim(2)), "x");
    maps_.keys.assign(static_cast<std::size_t>(weights.dim(3)), "x");
    const std::vector<float> numbers = weights.to_vector<float>();
    maps_.weights.insert(maps_.weights.end(), numbers.begin(), numbers.end());
    ++maps_.layers;
  }
  explain::AttentionMaps maps(const std::string& title) const {
    explain::AttentionMaps result = maps_;
    result.title = title;
    result.causal = false;
    return explain::drawable(std::move(result));
  }

 private:
  explain::AttentionMaps maps_;
};

// What a mechanism has learned to look at, for the first of the problems.
int draw_weights(const CompareOptions& options, const data::SyntheticTask& task) {
  make_folder("--weights", options.weights);
  constexpr std::int64_t kSide = 96;
  std::string errors;
  for (const std::string& name : options.mechanisms) {
    try {
      WeightsOfLayers observer;
      task::train_with(
          for_short_sequences(attention::mechanism(name)), task,
          {.steps = options.steps, .batch = options.batch, .seed = options.seed, .observer = &observer});
      write_picture(std::filesystem::path(options.weights) / (name + ".png"), observer.maps(name),
                    static_cast<int>(std::max<std::int64_t>(kSide / task.length, 1)));
    } catch (const Error& error) {
      errors += fmt::format("\n{}: {}", name, error.what());
    }
  }
  if (!errors.empty()) print(errors + "\n");
  return kSuccess;
}

}  // namespace

void add_compare(CLI::App& program, std::vector<Verb>& verbs) {
  const auto options = std::make_shared<CompareOptions>();
  options->mechanisms = mechanism_names();
  CLI::App* verb =
      program.add_subcommand("compare", "Train every attention mechanism on three small problems");
  verb->add_option("MECHANISM", options->mechanisms, "Which to compare; all when none is named")
      ->check(one_of(mechanism_names()));
  std::string about = "Problems to train on; all when none is named";
  verb->add_option("--task", options->tasks, about)->check(one_of(task_names()))->option_text("NAME");
  verb->add_option("--steps", options->steps, "Updates for each mechanism and problem")
      ->check(whole_number(1, 1'000'000))
      ->capture_default_str();
  verb->add_option("--batch", options->batch, "Rows of each update")
      ->check(whole_number(1, 100'000))
      ->capture_default_str();
  verb->add_option("--seed", options->seed, "Of parameters and rows; the rows are the same for all")
      ->capture_default_str();
  verb->add_option("--threads", options->threads, "Threads to use (default: all cores)")
      ->check(whole_number(1, 1024));
  verb->add_flag("--json", options->json, "One JSON object a line");
  verb->add_option(
          "--pictures", options->pictures,
          "Instead of training, draw which keys each query may look at: MECHANISM.png, MECHANISM_causal.png")
      ->check(path())
      ->option_text("FOLDER");
  verb->add_option("--weights", options->weights,
                   "Train on the first of the problems and draw what each layer (down) and head (across) "
                   "looks at in a "
                   "row it was not trained on: MECHANISM.png")
      ->check(path())
      ->option_text("FOLDER");
  std::string footer =
      "A small model (2 layers, 4 heads, 64 features) for each line, accuracy on rows it was not trained "
      "on:\n";
  for (const data::SyntheticTask& task : all_tasks())
    footer += fmt::format("  {:<8}{}\n", task.name, task.about);
  verb->footer(footer + "\nExample: attend compare scaled_dot performer --steps 50");
  verbs.push_back({verb, [options] {
                     if (options->threads != 0) set_threads(options->threads);
                     if (!options->pictures.empty()) return draw_masks(*options);
                     if (!options->weights.empty()) return draw_weights(*options, chosen_tasks(*options)[0]);
                     return compare(*options);
                   }});
}

}  // namespace attend::cli
