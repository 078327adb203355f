#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/task/answer.h"
#include "io/printable.h"
#include "task/answer/fields.h"

namespace attend::task {

namespace {

AnswerOptions small() {
  AnswerOptions options;
  options.model = {.context = 256, .segments = 2, .layers = 3, .heads = 4, .dim = 128, .dropout = 0.1};
  options.batch = 32;
  options.steps = 4000;
  options.evaluate_every = 400;
  return options;
}

AnswerOptions nano() {
  AnswerOptions options = small();
  options.preset = "nano";
  options.model.layers = 2;
  options.model.dim = 64;
  options.steps = 1000;
  return options;
}

AnswerOptions base() {
  AnswerOptions options = small();
  options.preset = "base";
  options.model.layers = 6;
  options.model.dim = 256;
  options.model.context = 384;
  options.steps = 20000;
  options.learning_rate = 5e-4;
  options.warmup = 1000;
  options.tokenizer.vocabulary = 16000;
  return options;
}

struct Entry {
  AnswerPreset description;
  AnswerOptions (*make)();
};

const std::vector<Entry>& entries() {
  static const std::vector<Entry> all = {
      {{"small", "thousands of questions on two cores: 3 layers of 128, context 256"}, small},
      {{"nano", "the smallest: 2 layers of 64"}, nano},
      {{"base", "a hundred thousand questions: 6 layers of 256, context 384"}, base},
  };
  return all;
}

}  // namespace

const std::vector<AnswerPreset>& answer_presets() {
  static const std::vector<AnswerPreset> all = [] {
    std::vector<AnswerPreset> list;
    for (const Entry& entry : entries()) list.push_back(entry.description);
    return list;
  }();
  return all;
}

AnswerOptions answer_preset(std::string_view name) {
  std::vector<std::string> names;
  for (const Entry& entry : entries()) {
    if (entry.description.name == name) return entry.make();
    names.push_back(entry.description.name);
  }
  throw Error(fmt::format("preset {}: {} are accepted", io::printable(name), fmt::join(names, ", ")));
}

void validate(const AnswerOptions& options) {
  check_ranges(options);
  model::validate(options.model);
  if (options.model.segments != 2)
    throw Error(fmt::format("segments {}: a question and a text are 2", options.model.segments));
  if (options.model.context < 8)
    throw Error(
        fmt::format("context {}: at least 8 is needed for a question and a text", options.model.context));
  if (options.label_smoothing != 0)
    throw Error(fmt::format("label_smoothing {}: only 0 is accepted for answers", options.label_smoothing));
  check_limits(options);
}

}  // namespace attend::task
