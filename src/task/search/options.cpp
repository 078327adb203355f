#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/task/search.h"
#include "io/printable.h"
#include "task/search/fields.h"

namespace attend::task {

namespace {

SearchOptions small() {
  SearchOptions options;
  options.model = {.context = 128, .layers = 2, .heads = 4, .dim = 256, .dropout = 0.1};
  options.batch = 128;
  options.steps = 2000;
  options.evaluate_every = 200;
  return options;
}

SearchOptions nano() {
  SearchOptions options = small();
  options.preset = "nano";
  options.model.layers = 1;
  options.model.dim = 64;
  options.batch = 64;
  options.steps = 1000;
  return options;
}

SearchOptions base() {
  SearchOptions options = small();
  options.preset = "base";
  options.model.layers = 4;
  options.model.dim = 384;
  options.model.heads = 6;
  options.model.context = 256;
  options.batch = 256;
  options.steps = 10000;
  options.learning_rate = 5e-4;
  options.warmup = 500;
  options.tokenizer.vocabulary = 32000;
  return options;
}

struct Entry {
  SearchPreset description;
  SearchOptions (*make)();
};

const std::vector<Entry>& entries() {
  static const std::vector<Entry> all = {
      {{"small", "tens of thousands of pairs on two cores: 2 layers of 256, context 128"}, small},
      {{"nano", "the smallest: 1 layer of 64"}, nano},
      {{"base", "many or long texts: 4 layers of 384, context 256"}, base},
  };
  return all;
}

}  // namespace

const std::vector<SearchPreset>& search_presets() {
  static const std::vector<SearchPreset> all = [] {
    std::vector<SearchPreset> list;
    for (const Entry& entry : entries()) list.push_back(entry.description);
    return list;
  }();
  return all;
}

SearchOptions search_preset(std::string_view name) {
  std::vector<std::string> names;
  for (const Entry& entry : entries()) {
    if (entry.description.name == name) return entry.make();
    names.push_back(entry.description.name);
  }
  throw Error(fmt::format("preset {}: {} are accepted", io::printable(name), fmt::join(names, ", ")));
}

void validate(const SearchOptions& options) {
  check_ranges(options);
  model::validate(options.model);
  if (options.batch < 2)
    throw Error(fmt::format("batch {}: at least 2 pairs are needed, one of which is the other's negative",
                            options.batch));
  if (options.label_smoothing != 0)
    throw Error(fmt::format("label_smoothing {}: only 0 is accepted for search", options.label_smoothing));
  check_limits(options);
}

}  // namespace attend::task
