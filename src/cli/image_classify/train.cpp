#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "attend/task/image_classify.h"
#include "cli/checks.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/picture_options.h"
#include "cli/task_verbs.h"
#include "cli/training_options.h"

namespace attend::cli::image_classify {

namespace {

using task::ImageClassifyOptions;

struct TrainOptions : TrainingVerb {
  std::string data, validation, preset, init;
  std::shared_ptr<Overrides<ImageClassifyOptions>> given =
      std::make_shared<Overrides<ImageClassifyOptions>>();
};

using Shared = std::shared_ptr<TrainOptions>;
using Given = std::shared_ptr<Overrides<ImageClassifyOptions>>;

void add_data_options(CLI::App* verb, const Shared& options) {
  verb->add_option("--data", options->data,
                   "Pictures (PNG, JPEG) in a subfolder for each class; a table with the columns path and "
                   "label; or IDX files")
      ->option_text("FOLDER|FILE")
      ->group(kFilesGroup)
      ->check(path());
  verb->add_option("--valid", options->validation,
                   "Pictures to choose the weights by (default: a tenth of them)")
      ->option_text("FOLDER|FILE")
      ->group(kFilesGroup)
      ->check(path());
  add_skip_bad(verb, options->given);
  add_classifier_start(
      verb, options->init,
      "Start from another classifier of pictures: its network, all weights but the last layer's");
}

void add_picture_options(CLI::App* verb, const Given& given) {
  add_override<std::int64_t>(
      verb, given, "--size", "N", kPicturesGroup, whole_number(0, 4096),
      [](ImageClassifyOptions & o) -> auto& { return o.size; },
      "Height and width that pictures get (default: those of the first)");
  add_override<std::int64_t>(
      verb, given, "--crop-padding", "N", kPicturesGroup, whole_number(0, 1024),
      [](ImageClassifyOptions & o) -> auto& { return o.crop_padding; },
      "Pixels that a random crop may reach over the edge");
  add_picture_changes(verb, given);
  add_strength(verb, given, "--erasing", &ImageClassifyOptions::erasing, 1,
               "Probability that a random rectangle is erased");
  add_strength(verb, given, "--mixup", &ImageClassifyOptions::mixup, 1000,
               "Mix pairs of pictures; alpha of the Beta distribution");
  add_strength(verb, given, "--cutmix", &ImageClassifyOptions::cutmix, 1000,
               "Paste parts of others into pictures; alpha of the Beta distribution");
}

using Cnn = model::ResidualCnnConfig;
using Vit = model::VisionTransformerConfig;

Cnn& cnn_of(ImageClassifyOptions& options) {
  return options.model.cnn;
}
Vit& vit_of(ImageClassifyOptions& options) {
  return options.model.vit;
}
std::string& kind_of(ImageClassifyOptions& options) {
  return options.model.kind;
}

void add_cnn_options(CLI::App* verb, const Given& given) {
  const ModelOptions<ImageClassifyOptions, Cnn> cnn{verb, given, cnn_of,
                                                    model::residual_cnn_config_from_json};
  cnn.whole("--width", &Cnn::width, 1, 4096,
            "cnn: channels of the first stage, twice as many in each that follows");
  cnn.whole("--stages", &Cnn::stages, 1, 8, "cnn: stages, each but the first at half the height and width");
  cnn.whole("--blocks", &Cnn::blocks, 1, 1000, "cnn: residual blocks of a stage");
  cnn.choice("--block", "block", feature_attention_names(), &Cnn::block,
             "cnn: attention that ends each residual branch");
  cnn.whole("--reduction", &Cnn::reduction, 1, 4096, "cnn: se and cbam have channels / N inner features");
  cnn.whole("--window", &Cnn::window, 1, 1024, "cnn: rows and columns of a window of windows");
  cnn.truth("--spatial-transformer,!--no-spatial-transformer", &Cnn::spatial_transformer,
            "cnn: read the part of the picture that a spatial transformer chooses");
}

void add_vit_options(CLI::App* verb, const Given& given) {
  const ModelOptions<ImageClassifyOptions, Vit> vit{verb, given, vit_of,
                                                    model::vision_transformer_config_from_json};
  vit.whole("--patch", &Vit::patch, 1, 4096, "vit: height and width of a patch");
  vit.choice("--stem", "stem", {"linear", "convolutions"}, &Vit::stem,
             "vit: how a patch is read: by one linear map, or by convolutions that see past its edges");
  vit.whole("--layers", &Vit::layers, 1, 10000, "vit: transformer blocks");
  vit.whole("--heads", &Vit::heads, 1, 65536, "vit: attention heads; they divide --dim");
  vit.whole("--dim", &Vit::dim, 1, 1 << 20, "vit: features of a patch");
  vit.choice("--pooling", "pooling", {"token", "mean"}, &Vit::pooling, "vit: what the class is read from");
  vit.choice("--positions", "positions", {"learned", "sinusoidal"}, &Vit::positions,
             "vit: how a patch knows its place");
}

void add_teacher(CLI::App* verb, const Given& given) {
  verb->add_option_function<std::string>(
          "--teacher",
          [given](const std::string& folder) {
            given->emplace_back([folder](ImageClassifyOptions& o) {
              o.teacher = folder;
              o.model.vit.distillation = true;
            });
          },
          "vit: a further token learns the answers of this classifier (distillation)")
      ->option_text("DIR")
      ->group(kModelGroup)
      ->check(path());
}

void add_network_options(CLI::App* verb, const Given& given) {
  add_override<std::string>(verb, given, "--model", "KIND", kModelGroup, one_of({"cnn", "vit"}), kind_of,
                            "cnn (residual network) or vit (vision transformer)");
  add_cnn_options(verb, given);
  add_vit_options(verb, given);
  add_teacher(verb, given);
  verb->add_option_function<double>(
          "--dropout",
          [given](double value) {
            given->emplace_back(
                [value](ImageClassifyOptions& o) { o.model.cnn.dropout = o.model.vit.dropout = value; });
          },
          "Of the last features (cnn), or of embedding, weights and branches (vit)")
      ->option_text("X")
      ->group(kModelGroup)
      ->check(number(0, 0.999));
}

int train_image_classify(const CLI::App& verb, const TrainOptions& options) {
  task::ImageClassifyConfig config;
  const int code = show_training(verb, options, [&](const task::TrainingPlace& place) {
    const task::ImageClassifyOptions resolved =
        resolve(verb, options, task::image_classify_preset(options.preset), task::read_image_classify_config);
    config = task::train_image_classify({place, options.data, options.validation, resolved});
    return config.results.value();
  });
  if (config.score)
    print(fmt::format("  accuracy {:.4f}, top-5 {:.4f}, macro-F1 {:.4f}\n", config.score->accuracy,
                      config.score->top5, config.score->macro_f1));
  return code;
}

}  // namespace

void add_train(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb =
      parent.add_subcommand(task, "Learn classes of pictures (residual network or vision transformer)");
  auto options = std::make_shared<TrainOptions>();
  add_data_options(verb, options);
  add_model_folder(verb, options);
  const std::string about = add_presets(verb, options->preset, task::image_classify_presets());
  add_picture_options(verb, options->given);
  add_network_options(verb, options->given);
  add_override<std::string>(
      verb, options->given, "--monitor", "NAME", kRunGroup, one_of({"accuracy", "loss"}),
      [](ImageClassifyOptions & o) -> auto& { return o.monitor; },
      "What weights are chosen by: accuracy, loss");
  add_training_options(verb, options, "Pictures at once");
  verb->footer(
      "Presets:" + about +
      "\n\nThe weights that did best by --monitor on the validation pictures are kept.\n"
      "Ctrl-C saves and leaves with code 130.\n\n"
      "Examples:\n"
      "  attend train image-classify --data /usr/share/datasets/fashion-mnist --out model\n"
      "  attend train image-classify --data photos --size 64 --block cbam --out model --minutes 20\n"
      "  attend train image-classify --data photos --size 64 --preset vit --teacher model --out vit");
  verbs.push_back({verb, [verb, options] { return train_image_classify(*verb, *options); }});
}

}  // namespace attend::cli::image_classify
