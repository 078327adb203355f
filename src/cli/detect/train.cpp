#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "attend/base/error.h"
#include "attend/task/detect.h"
#include "cli/checks.h"
#include "cli/detect/source.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/picture_options.h"
#include "cli/task_verbs.h"
#include "cli/training_options.h"

namespace attend::cli::detect {

namespace {

using task::DetectOptions;

struct TrainOptions : TrainingVerb {
  SourceOptions source;
  std::string validation, preset;
  std::shared_ptr<Overrides<DetectOptions>> given = std::make_shared<Overrides<DetectOptions>>();
};

using Shared = std::shared_ptr<TrainOptions>;
using Given = std::shared_ptr<Overrides<DetectOptions>>;

void add_data_options(CLI::App* verb, const Shared& options) {
  add_source(verb, options->source,
             "Names of the folder's pictures to learn from, a line each (default: its train.txt, or all)",
             kFilesGroup);
  verb->add_option("--valid", options->validation,
                   "Pictures to choose the weights by: a list of the folder's, or others (default: those of "
                   "val.txt beside train.txt, or a tenth)")
      ->option_text("FILE.txt|FOLDER|FILE.json")
      ->group(kFilesGroup)
      ->check(path());
  add_skip_bad(verb, options->given);
}

void add_picture_options(CLI::App* verb, const Given& given) {
  add_override<std::int64_t>(
      verb, given, "--size", "N", kModelGroup, whole_number(16, 4096),
      [](DetectOptions & o) -> auto& { return o.size; },
      "Longer side of the pictures that the network sees, in pixels; others are resized to fit");
  add_picture_changes(verb, given);
  add_strength(verb, given, "--zoom", &DetectOptions::zoom, 3,
               "Larger or smaller by a random factor of up to 1 + X");
}

model::TwoStageDetectorConfig& two_stage_of(DetectOptions& options) {
  if (options.model.kind != "two_stage")
    throw Error(
        "--anchor-scale, --proposals, --pooling-queries, --region-layers and --box-loss are options of "
        "--model two-stage, and the model is detr");
  return options.model.two_stage;
}

model::DetectionTransformerConfig& transformer_of(DetectOptions& options) {
  if (options.model.kind != "detr")
    throw Error(
        "--queries, --groups, --encoder-layers, --decoder-layers and --query-attention are options of "
        "--model detr, and the model is two-stage");
  return options.model.transformer;
}

model::FeaturePyramidConfig& pyramid_of(DetectOptions& options) {
  return options.model.kind == "detr" ? options.model.transformer.pyramid : options.model.two_stage.pyramid;
}

void add_pyramid_options(CLI::App* verb, const Given& given) {
  using Pyramid = model::FeaturePyramidConfig;
  const ModelOptions<DetectOptions, Pyramid> pyramid{verb, given, pyramid_of, nullptr};
  pyramid.whole("--width", &Pyramid::width, 1, 4096,
                "Channels of the first stage, twice as many in each that follows");
  pyramid.whole("--stages", &Pyramid::stages, 1, 8,
                "Stages, the first at a quarter of height and width, each other at half of the one before");
  pyramid.whole("--blocks", &Pyramid::blocks, 1, 1000, "Residual blocks of a stage");
  pyramid.whole("--levels", &Pyramid::levels, 1, 8,
                "Last stages whose maps are looked at; detr looks at the finest of them");
  pyramid.whole("--dim", &Pyramid::dim, 1, 1 << 20, "Features of a place, of attention too");
}

void add_two_stage_options(CLI::App* verb, const Given& given) {
  using TwoStage = model::TwoStageDetectorConfig;
  const ModelOptions<DetectOptions, TwoStage> network{verb, given, two_stage_of,
                                                      model::two_stage_detector_config_from_json};
  network.real("--anchor-scale", &TwoStage::anchor_scale, 0.1, 1000,
               "two-stage: side of a level's anchors, in pixels of its map");
  network.whole("--proposals", &TwoStage::proposals, 1, 1 << 16,
                "two-stage: regions that the second stage looks at");
  network.whole("--pooling-queries", &TwoStage::pooling_queries, 1, 1 << 16,
                "two-stage: learned queries that look at the places of a region");
  network.whole("--region-layers", &TwoStage::region_layers, 0, 1000,
                "two-stage: layers in which regions look at each other");
  network.choice("--box-loss", "box_loss", {"smooth_l1", "giou"}, &TwoStage::box_loss,
                 "two-stage: what differences of boxes cost");
}

void add_transformer_options(CLI::App* verb, const Given& given) {
  using Transformer = model::DetectionTransformerConfig;
  const ModelOptions<DetectOptions, Transformer> network{verb, given, transformer_of,
                                                         model::detection_transformer_config_from_json};
  network.whole("--queries", &Transformer::queries, 1, 1 << 16,
                "detr: object queries, the most objects of a picture that can be found");
  network.whole("--groups", &Transformer::groups, 1, 1 << 10, "detr: sets of queries in training");
  network.whole("--encoder-layers", &Transformer::encoder_layers, 0, 1000,
                "detr: layers in which places look at each other");
  network.whole("--decoder-layers", &Transformer::decoder_layers, 1, 1000,
                "detr: layers in which queries look at places");
  network.choice("--query-attention", "query_attention", {"modulated", "plain"},
                 &Transformer::query_attention, "detr: about points of their boxes, or anywhere");
}

void add_network_options(CLI::App* verb, const Given& given) {
  verb->add_option_function<std::string>(
          "--model",
          [given](const std::string& word) {
            given->emplace_back(
                [kind = word == "detr" ? "detr" : "two_stage"](DetectOptions& o) { o.model.kind = kind; });
          },
          "two-stage (region proposals and attention) or detr (detection transformer)")
      ->option_text("KIND")
      ->group(kModelGroup)
      ->check(one_of({"two-stage", "detr"}));
  add_pyramid_options(verb, given);
  add_two_stage_options(verb, given);
  add_transformer_options(verb, given);
  verb->add_option_function<double>(
          "--dropout",
          [given](double value) {
            given->emplace_back([value](DetectOptions& o) {
              o.model.two_stage.dropout = o.model.transformer.dropout = value;
            });
          },
          "Of the branches of attention layers")
      ->option_text("X")
      ->group(kModelGroup)
      ->check(number(0, 0.999));
}

int train_detect(const CLI::App& verb, const TrainOptions& options) {
  task::DetectConfig config;
  const int code = show_training(verb, options, [&](const task::TrainingPlace& place) {
    const task::DetectOptions resolved =
        resolve(verb, options, task::detect_preset(options.preset), task::read_detect_config);
    config = task::train_detect({place, options.source.source(), options.validation, resolved});
    return config.results.value();
  });
  if (config.score)
    print(fmt::format("  mAP {:.4f}, at IoU 0.5 {:.4f}, at 0.75 {:.4f}\n", config.score->ap,
                      config.score->ap50, config.score->ap75));
  return code;
}

}  // namespace

void add_train(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(
      task, "Learn to find objects in pictures (two-stage detector with attention, detection transformer)");
  auto options = std::make_shared<TrainOptions>();
  add_data_options(verb, options);
  add_model_folder(verb, options);
  const std::string about = add_presets(verb, options->preset, task::detect_presets());
  add_network_options(verb, options->given);
  add_picture_options(verb, options->given);
  add_override<std::string>(
      verb, options->given, "--monitor", "NAME", kRunGroup, one_of({"ap50", "ap", "loss"}),
      [](DetectOptions & o) -> auto& { return o.monitor; }, "What weights are chosen by: ap50, ap, loss");
  add_training_options(verb, options, "Pictures at once");
  verb->footer("Presets:" + about +
               "\n\nPictures keep their proportions: what is left beside them is filled with their mean "
               "colour.\nCrowds and objects marked as difficult are not learnt from.\n"
               "A folder's lists train.txt and val.txt are looked for in it and in ImageSets/Main; "
               "classes.txt in it may\nname the classes.\n"
               "The weights that did best by --monitor on the validation pictures are kept.\n"
               "Ctrl-C saves and leaves with code 130.\n\n"
               "Examples:\n"
               "  attend train detect --data bccd --out model\n"
               "  attend data fashion-scenes --out scenes\n"
               "  attend train detect --data scenes/train/annotations.json --valid "
               "scenes/valid/annotations.json \\\n      --preset detr-tiny --size 96 --out model");
  verbs.push_back({verb, [verb, options] { return train_detect(*verb, *options); }});
}

}  // namespace attend::cli::detect
