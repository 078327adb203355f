#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/task/pretrain.h"
#include "io/printable.h"
#include "task/pretrain/fields.h"

namespace attend::task {

namespace {

PretrainOptions small() {
  PretrainOptions options;
  options.model = {.context = 128,
                   .layers = 4,
                   .heads = 4,
                   .dim = 256,
                   .positions = model::Positions::rotary,
                   .dropout = 0};
  options.batch = 32;
  options.steps = 4000;
  options.warmup = 200;
  options.minimum_learning_rate = 1e-5;
  options.beta2 = 0.98;
  options.weight_decay = 0.01;
  return options;
}

PretrainOptions nano() {
  PretrainOptions options = small();
  options.preset = "nano";
  options.model.layers = 2;
  options.model.dim = 128;
  return options;
}

PretrainOptions bert_base() {
  PretrainOptions options = small();
  options.preset = "bert-base";
  options.model = model::encoder_preset("bert-base");
  options.tokenizer.vocabulary = 30522;
  options.steps = 100000;
  options.warmup = 10000;
  options.learning_rate = 1e-4;
  options.beta2 = 0.999;
  options.accumulate = 8;
  options.evaluate_every = 2000;
  return options;
}

struct Entry {
  PretrainPreset description;
  PretrainOptions (*make)();
};

const std::vector<Entry>& entries() {
  static const std::vector<Entry> all = {
      {{"small", "tens of megabytes of text on two cores in minutes: 4 layers of 256, context 128"}, small},
      {{"nano", "the smallest: 2 layers of 128"}, nano},
      {{"bert-base", "the shape of BERT base, for many cores and much text"}, bert_base},
  };
  return all;
}

}  // namespace

const std::vector<PretrainPreset>& pretrain_presets() {
  static const std::vector<PretrainPreset> all = [] {
    std::vector<PretrainPreset> list;
    for (const Entry& entry : entries()) list.push_back(entry.description);
    return list;
  }();
  return all;
}

PretrainOptions pretrain_preset(std::string_view name) {
  std::vector<std::string> names;
  for (const Entry& entry : entries()) {
    if (entry.description.name == name) return entry.make();
    names.push_back(entry.description.name);
  }
  throw Error(fmt::format("preset {}: {} are accepted", io::printable(name), fmt::join(names, ", ")));
}

void validate(const PretrainOptions& options) {
  check_ranges(options);
  model::validate(options.model);
  if (options.model.context < 2)
    throw Error(fmt::format("context {}: at least 2 is needed to hide words", options.model.context));
  if (options.label_smoothing != 0)
    throw Error(
        fmt::format("label_smoothing {}: only 0 is accepted for hidden words", options.label_smoothing));
  check_limits(options);
}

}  // namespace attend::task
