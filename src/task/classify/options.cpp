#include <fmt/format.h>

#include <algorithm>

#include "attend/base/error.h"
#include "attend/task/classify.h"
#include "io/printable.h"
#include "task/classify/fields.h"

namespace attend::task {

namespace {

ClassifyOptions small() {
  ClassifyOptions options;
  options.model = {.context = 128, .layers = 2, .heads = 4, .dim = 128, .dropout = 0.2};
  options.batch = 32;
  options.steps = 2000;
  options.evaluate_every = 200;
  return options;
}

ClassifyOptions nano() {
  ClassifyOptions options = small();
  options.preset = "nano";
  options.model.layers = 1;
  options.model.dim = 64;
  return options;
}

ClassifyOptions base() {
  ClassifyOptions options = small();
  options.preset = "base";
  options.model.layers = 4;
  options.model.dim = 256;
  options.model.context = 256;
  options.learning_rate = 5e-4;
  return options;
}

struct Entry {
  ClassifyPreset description;
  ClassifyOptions (*make)();
};

const std::vector<Entry>& entries() {
  static const std::vector<Entry> all = {
      {{"small", "thousands of short texts on two cores in minutes: 2 layers of 128, context 128"}, small},
      {{"nano", "the smallest: 1 layer of 64"}, nano},
      {{"base", "many or long texts: 4 layers of 256, context 256"}, base},
  };
  return all;
}

}  // namespace

const std::vector<ClassifyPreset>& classify_presets() {
  static const std::vector<ClassifyPreset> all = [] {
    std::vector<ClassifyPreset> list;
    for (const Entry& entry : entries()) list.push_back(entry.description);
    return list;
  }();
  return all;
}

ClassifyOptions classify_preset(std::string_view name) {
  std::vector<std::string> names;
  for (const Entry& entry : entries()) {
    if (entry.description.name == name) return entry.make();
    names.push_back(entry.description.name);
  }
  throw Error(fmt::format("preset {}: {} are accepted", io::printable(name), fmt::join(names, ", ")));
}

void validate(const ClassifyOptions& options) {
  check_ranges(options);
  model::validate(options.model);
  if (options.labels.empty()) throw Error("labels: at least one column is needed");
  for (auto column = options.labels.begin(); column != options.labels.end(); ++column)
    if (*column == options.text ||
        std::find(column + 1, options.labels.end(), *column) != options.labels.end())
      throw Error(fmt::format("column {} is named twice for text and labels", io::printable(*column)));
  check_limits(options);
}

}  // namespace attend::task
