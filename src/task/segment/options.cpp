#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/task/segment.h"
#include "io/printable.h"
#include "task/classifier_start.h"
#include "task/segment/fields.h"

namespace attend::task {

namespace {

SegmentOptions small() {
  SegmentOptions options;
  options.batch = 8;
  options.steps = 1500;
  options.warmup = 50;
  options.learning_rate = 2e-3;
  options.minimum_learning_rate = 1e-5;
  options.beta2 = 0.999;
  options.weight_decay = 0.01;
  options.evaluate_every = 100;
  return options;
}

SegmentOptions plain() {
  SegmentOptions options = small();
  options.preset = "plain";
  options.model.gates = false;
  return options;
}

struct Entry {
  SegmentPreset description;
  SegmentOptions (*make)();
};

const std::vector<Entry>& entries() {
  static const std::vector<Entry> all = {
      {{"small", "a U-Net of 4 levels, 16 channels at first, with attention gates"}, small},
      {{"plain", "the same without gates: what they bring shows beside it"}, plain},
  };
  return all;
}

}  // namespace

const std::vector<SegmentPreset>& segment_presets() {
  static const std::vector<SegmentPreset> all = [] {
    std::vector<SegmentPreset> list;
    for (const Entry& entry : entries()) list.push_back(entry.description);
    return list;
  }();
  return all;
}

SegmentOptions segment_preset(std::string_view name) {
  std::vector<std::string> names;
  for (const Entry& entry : entries()) {
    if (entry.description.name == name) return entry.make();
    names.push_back(entry.description.name);
  }
  throw Error(fmt::format("preset {}: {} are accepted", io::printable(name), fmt::join(names, ", ")));
}

void start_from(SegmentOptions& options, const std::filesystem::path& folder) {
  const model::ResidualCnnConfig network = read_starting_classifier(folder);
  options.init = folder.string();
  options.model.width = network.width;
  options.model.levels = network.stages;
  options.model.blocks = network.blocks;
  options.model.block = network.block;
  options.model.norm = nn::FeatureNormKind::batch;
}

void validate(const SegmentOptions& options) {
  check_ranges(options);
  if (options.crop % options.model.stride() != 0)
    throw Error(fmt::format("crop {}: a multiple of {} needed, by which a network of {} levels shrinks maps",
                            options.crop, options.model.stride(), options.model.levels));
  if (options.recompute) throw Error("recompute true: a U-Net keeps its maps, false is accepted");
  check_limits(options);
}

}  // namespace attend::task
