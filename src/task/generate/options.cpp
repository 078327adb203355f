#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/task/generate.h"
#include "io/printable.h"
#include "task/generate/fields.h"

namespace attend::task {

namespace {

GenerateOptions book() {
  GenerateOptions options;
  options.preset = "book";
  options.model = {.context = 128,
                   .layers = 4,
                   .heads = 4,
                   .dim = 192,
                   .norm = nn::NormKind::rms,
                   .positions = model::Positions::rotary,
                   .activation = nn::HiddenActivation::swiglu,
                   .bias = false,
                   .dropout = 0.1};
  options.batch = 16;
  options.steps = 3000;
  options.learning_rate = 2e-3;
  options.minimum_learning_rate = 1e-4;
  return options;
}

GenerateOptions characters() {
  GenerateOptions options = book();
  options.preset = "characters";
  options.model.layers = 6;
  options.model.dim = 256;
  options.model.context = 256;
  options.steps = 1000;
  return options;
}

GenerateOptions nano() {
  GenerateOptions options;
  options.preset = "nano";
  options.model = model::gpt_preset("nano");
  return options;
}

GenerateOptions small() {
  GenerateOptions options;
  options.preset = "small";
  options.model = model::gpt_preset("small");
  options.batch = 16;
  options.steps = 5000;
  return options;
}

GenerateOptions gpt2() {
  GenerateOptions options;
  options.preset = "gpt2-124m";
  options.model = model::gpt_preset("gpt2-124m");
  options.tokenizer = {.kind = "bpe", .vocabulary = 50257};
  options.batch = 8;
  options.accumulate = 8;
  options.steps = 20000;
  options.learning_rate = 6e-4;
  options.minimum_learning_rate = 6e-5;
  options.warmup = 700;
  options.beta2 = 0.95;
  return options;
}

struct Entry {
  GeneratePreset description;
  GenerateOptions (*make)();
};

const std::vector<Entry>& entries() {
  static const std::vector<Entry> all = {
      {{"book", "a book on two cores in minutes"}, book},
      {{"characters", "the best for a megabyte of text by characters: 6 layers of 256, context 256"},
       characters},
      {{"nano", "the smallest: 4 layers of 128, context 64"}, nano},
      {{"small", "6 layers of 384, context 256: an hour or more"}, small},
      {{"gpt2-124m", "the shape of the smallest GPT-2, for many cores and much text"}, gpt2},
  };
  return all;
}

}  // namespace

const std::vector<GeneratePreset>& generate_presets() {
  static const std::vector<GeneratePreset> all = [] {
    std::vector<GeneratePreset> list;
    for (const Entry& entry : entries()) list.push_back(entry.description);
    return list;
  }();
  return all;
}

GenerateOptions generate_preset(std::string_view name) {
  std::vector<std::string> names;
  for (const Entry& entry : entries()) {
    if (entry.description.name == name) return entry.make();
    names.push_back(entry.description.name);
  }
  throw Error(fmt::format("preset {}: {} are accepted", io::printable(name), fmt::join(names, ", ")));
}

void validate(const GenerateOptions& options) {
  check_ranges(options);
  model::validate(options.model);
  check_limits(options);
}

}  // namespace attend::task
