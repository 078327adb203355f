#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "attend/task/segment.h"
#include "cli/checks.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/picture_options.h"
#include "cli/task_verbs.h"
#include "cli/training_options.h"

namespace attend::cli::segment {

namespace {

using task::SegmentOptions;

struct TrainOptions : TrainingVerb {
  std::string data, validation, preset, init;
  std::shared_ptr<Overrides<SegmentOptions>> given = std::make_shared<Overrides<SegmentOptions>>();
};

using Shared = std::shared_ptr<TrainOptions>;
using Given = std::shared_ptr<Overrides<SegmentOptions>>;

void add_data_options(CLI::App* verb, const Shared& options) {
  verb->add_option("--data", options->data,
                   "Pictures (PNG, JPEG) in images/ and their masks (PNG) in masks/; or a table with the "
                   "columns image and mask")
      ->option_text("FOLDER|FILE")
      ->group(kFilesGroup)
      ->check(path());
  verb->add_option("--valid", options->validation,
                   "Pictures to choose the weights by (default: a tenth of them)")
      ->option_text("FOLDER|FILE")
      ->group(kFilesGroup)
      ->check(path());
  add_skip_bad(verb, options->given);
  add_classifier_start(verb, options->init,
                       "Start from a classifier of pictures (a residual network): its layers, their weights");
}

void add_picture_options(CLI::App* verb, const Given& given) {
  add_override<std::int64_t>(
      verb, given, "--crop", "N", kPicturesGroup, whole_number(0, 4096),
      [](SegmentOptions & o) -> auto& { return o.crop; },
      "Height and width of the random part that is learnt from (default: all of the first, at most 256)");
  add_picture_changes(verb, given);
}

model::UNetConfig& model_of(SegmentOptions& options) {
  return options.model;
}

void add_network_options(CLI::App* verb, const Given& given) {
  using Model = model::UNetConfig;
  const ModelOptions<SegmentOptions, Model> network{verb, given, model_of, model::unet_config_from_json};
  network.whole("--width", &Model::width, 1, 4096,
                "Channels of the finest level, twice as many in each that follows");
  network.whole("--levels", &Model::levels, 1, 8, "Levels, each but the first at half the height and width");
  network.whole("--blocks", &Model::blocks, 0, 1000,
                "Residual blocks of a level on the way down (0: two convolutions)");
  network.choice("--block", "block", feature_attention_names(), &Model::block,
                 "Attention that ends each residual branch, or the two convolutions");
  network.truth("--gates,!--no-gates", &Model::gates, "Attention gates on the skip connections");
  network.choice("--norm", "norm", {"group", "batch"}, &Model::norm, "What is normalised together");
  network.whole("--norm-groups", &Model::norm_groups, 1, 4096,
                "Groups of channels of a group norm; they divide --width");
  network.real("--dropout", &Model::dropout, 0, 0.999, "Of the coarsest maps");
  add_override<double>(
      verb, given, "--dice", "X", kTrainingGroup, number(0, 1000),
      [](SegmentOptions & o) -> auto& { return o.dice; }, "Weight of the Dice loss beside the cross entropy");
}

int train_segment(const CLI::App& verb, const TrainOptions& options) {
  task::SegmentConfig config;
  const int code = show_training(verb, options, [&](const task::TrainingPlace& place) {
    const task::SegmentOptions resolved =
        resolve(verb, options, task::segment_preset(options.preset), task::read_segment_config);
    config = task::train_segment({place, options.data, options.validation, resolved});
    return config.results.value();
  });
  if (config.score)
    print(fmt::format("  mean IoU {:.4f}, mean Dice {:.4f}, pixel accuracy {:.4f}\n", config.score->mean_iou,
                      config.score->mean_dice, config.score->pixel_accuracy));
  return code;
}

}  // namespace

void add_train(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb =
      parent.add_subcommand(task, "Learn the class of each pixel of pictures (U-Net with attention gates)");
  auto options = std::make_shared<TrainOptions>();
  add_data_options(verb, options);
  add_model_folder(verb, options);
  const std::string about = add_presets(verb, options->preset, task::segment_presets());
  add_picture_options(verb, options->given);
  add_network_options(verb, options->given);
  add_override<std::string>(
      verb, options->given, "--monitor", "NAME", kRunGroup, one_of({"iou", "loss"}),
      [](SegmentOptions & o) -> auto& { return o.monitor; }, "What weights are chosen by: iou, loss");
  add_training_options(verb, options, "Pictures at once");
  verb->footer("Presets:" + about +
               "\n\nA mask is a PNG picture in grey or with a palette, whose numbers are classes; 255: not "
               "known.\nThe weights that did best by --monitor on the validation pictures are kept.\n"
               "Ctrl-C saves and leaves with code 130.\n\n"
               "Examples:\n"
               "  attend data brain-mri --out brain\n"
               "  attend train segment --data brain/train --valid brain/valid --out model");
  verbs.push_back({verb, [verb, options] { return train_segment(*verb, *options); }});
}

}  // namespace attend::cli::segment
