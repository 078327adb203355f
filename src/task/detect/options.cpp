#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/task/detect.h"
#include "io/printable.h"
#include "task/detect/fields.h"

namespace attend::task {

namespace {

/// Both networks of this size, so that another kind can be chosen.
model::DetectorConfig networks(const std::string& kind, const std::string& size) {
  model::DetectorConfig config = model::detector_preset("two_stage-" + size);
  config.transformer = model::detector_preset("detr-" + size).transformer;
  config.kind = kind;
  return config;
}

DetectOptions small() {
  DetectOptions options;
  options.model = networks("two_stage", "small");
  options.batch = 4;
  options.steps = 3000;
  options.warmup = 100;
  options.learning_rate = 1e-3;
  options.minimum_learning_rate = 1e-5;
  options.beta2 = 0.999;
  options.weight_decay = 0.01;
  options.evaluate_every = 250;
  return options;
}

DetectOptions tiny() {
  DetectOptions options = small();
  options.preset = "tiny";
  options.model = networks("two_stage", "tiny");
  options.size = 160;
  options.batch = 8;
  return options;
}

/// What learns to look anywhere takes smaller and more steps.
DetectOptions of_transformer(DetectOptions options, const char* preset) {
  options.preset = preset;
  options.model.kind = "detr";
  options.learning_rate = 5e-4;
  options.steps = 2 * options.steps;
  return options;
}

struct Entry {
  DetectPreset description;
  DetectOptions (*make)();
};

const std::vector<Entry>& entries() {
  static const std::vector<Entry> all = {
      {{"small", "a two-stage detector with attention in its second stage, for pictures of about 320 x 240"},
       small},
      {{"tiny", "a smaller one, for pictures of about 160 x 120"}, tiny},
      {{"detr", "a detection transformer, whose object queries look at the picture, for 320 x 240"},
       [] { return of_transformer(small(), "detr"); }},
      {{"detr-tiny", "a smaller one, for 160 x 120"}, [] { return of_transformer(tiny(), "detr-tiny"); }},
  };
  return all;
}

}  // namespace

const std::vector<DetectPreset>& detect_presets() {
  static const std::vector<DetectPreset> all = [] {
    std::vector<DetectPreset> list;
    for (const Entry& entry : entries()) list.push_back(entry.description);
    return list;
  }();
  return all;
}

DetectOptions detect_preset(std::string_view name) {
  std::vector<std::string> names;
  for (const Entry& entry : entries()) {
    if (entry.description.name == name) return entry.make();
    names.push_back(entry.description.name);
  }
  throw Error(fmt::format("preset {}: {} are accepted", io::printable(name), fmt::join(names, ", ")));
}

void validate(const DetectOptions& options) {
  check_ranges(options);
  if (options.recompute) throw Error("recompute true: a detector keeps its maps, false is accepted");
  if (options.label_smoothing != 0)
    throw Error(fmt::format("label_smoothing {}: the losses of detectors have none, 0 is accepted",
                            options.label_smoothing));
  check_limits(options);
}

}  // namespace attend::task
