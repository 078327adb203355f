#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/task/image_classify.h"
#include "io/printable.h"
#include "task/image_classify/fields.h"

namespace attend::task {

namespace {

ImageClassifyOptions small() {
  ImageClassifyOptions options;
  options.model.cnn = {.width = 16, .block = nn::FeatureAttentionKind::squeeze_excitation};
  options.batch = 128;
  options.steps = 6000;
  options.warmup = 300;
  options.learning_rate = 3e-3;
  options.minimum_learning_rate = 1e-5;
  options.beta2 = 0.999;
  options.weight_decay = 0.05;
  options.evaluate_every = 500;
  return options;
}

ImageClassifyOptions wide() {
  ImageClassifyOptions options = small();
  options.preset = "wide";
  options.model.cnn.width = 32;
  options.model.cnn.dropout = 0.2;
  options.steps = 12000;
  options.erasing = 0.3;
  options.label_smoothing = 0.1;
  return options;
}

ImageClassifyOptions vit() {
  ImageClassifyOptions options = small();
  options.preset = "vit";
  options.model.kind = "vit";
  // Beyer et al., "Better plain ViT baselines for ImageNet-1k", 2022: as good as learned ones, and sooner.
  options.model.vit = {.stem = model::PatchStem::convolutions,
                       .layers = 6,
                       .heads = 4,
                       .dim = 128,
                       .positions = model::PatchPositions::sinusoidal};
  options.batch = 64;
  options.crop_padding = 1;
  options.learning_rate = 1e-3;
  options.steps = 14000;
  options.warmup = 500;
  options.label_smoothing = 0.1;
  return options;
}

struct Entry {
  ImageClassifyPreset description;
  ImageClassifyOptions (*make)();
};

const std::vector<Entry>& entries() {
  static const std::vector<Entry> all = {
      {{"small",
        "small pictures on two cores in a quarter of an hour: a residual network under 200,000 parameters, "
        "with squeeze-and-excitation"},
       small},
      {{"wide", "the same with twice the channels, for an hour"}, wide},
      {{"vit", "a vision transformer: 6 layers of 128 over patches of 4 x 4 that convolutions read"}, vit},
  };
  return all;
}

}  // namespace

const std::vector<ImageClassifyPreset>& image_classify_presets() {
  static const std::vector<ImageClassifyPreset> all = [] {
    std::vector<ImageClassifyPreset> list;
    for (const Entry& entry : entries()) list.push_back(entry.description);
    return list;
  }();
  return all;
}

ImageClassifyOptions image_classify_preset(std::string_view name) {
  std::vector<std::string> names;
  for (const Entry& entry : entries()) {
    if (entry.description.name == name) return entry.make();
    names.push_back(entry.description.name);
  }
  throw Error(fmt::format("preset {}: {} are accepted", io::printable(name), fmt::join(names, ", ")));
}

void start_from(ImageClassifyOptions& options, const std::filesystem::path& folder) {
  model::ImageClassifierConfig model = read_image_classify_config(folder).model;
  model.cnn.dropout = options.model.cnn.dropout;
  model.vit.dropout = options.model.vit.dropout;
  if (model.height == model.width) options.size = model.height;
  options.model = model;
  options.init = folder.string();
}

void validate(const ImageClassifyOptions& options) {
  check_ranges(options);
  if (options.mixup > 0 && options.cutmix > 0) throw Error("mixup and cutmix: one of them at a time");
  const bool distils = options.model.kind == "vit" && options.model.vit.distillation;
  if (!options.teacher.empty() && !distils)
    throw Error("teacher: the token that learns from it is that of a vision transformer with distillation");
  if (options.teacher.empty() && distils) throw Error("distillation: a teacher is needed");
  check_limits(options);
}

}  // namespace attend::task
