#include "task/image_classify/card.h"

#include <fmt/format.h>

#include "task/card_text.h"

namespace attend::task {

namespace {

std::string results_of(const ImageClassifyConfig& config) {
  const TrainingResults& results = *config.results;
  const std::string progress = card_table(card_progress(results));
  if (!config.score)
    return progress + "\nNothing was measured: training ended before its first evaluation.\n";
  return progress +
         fmt::format(
             "\n| accuracy | top-5 | macro-F1 | loss, nats |\n|---|---|---|---|\n| {:.4f} | {:.4f} | "
             "{:.4f} | {:.4f} |\n",
             config.score->accuracy, config.score->top5, config.score->macro_f1, *results.validation_loss) +
         fmt::format(
             "\nOn {} validation pictures, which training did not see. The weights, those of update "
             "{}, were chosen by the\n{} on these very pictures, so on others of the same kind "
             "expect a little less.\n",
             config.data->validation_pictures, results.best_step, config.training->monitor);
}

std::string network_of(const model::ImageClassifierConfig& model) {
  if (model.kind == "cnn")
    return fmt::format("residual network: {} stages of {} blocks, {} channels at first, block {}",
                       model.cnn.stages, model.cnn.blocks, model.cnn.width, nn::name_of(model.cnn.block));
  return fmt::format("vision transformer: {} layers, {} heads, dim {}, patches of {} x {}", model.vit.layers,
                     model.vit.heads, model.vit.dim, model.vit.patch, model.vit.patch);
}

}  // namespace

std::string image_classify_card(const ImageClassifyConfig& config, std::int64_t parameters,
                                std::string_view command, std::string_view folder) {
  const ImageClassifyFacts& data = *config.data;
  const model::PictureShape shape = config.model.pictures();
  std::string text =
      "# A classifier of pictures\n\nA network that tells which of some classes a picture shows, trained by "
      "attend.\n\n";
  text += "## Data\n\n" +
          card_table({{"Pictures", card_code(data.path)},
                      {"Size",
                       fmt::format("{} pictures to learn from, of {} classes", data.pictures, shape.classes)},
                      {"Validation", data.validation_path.empty()
                                         ? fmt::format("a tenth: {} pictures", data.validation_pictures)
                                         : fmt::format("{}: {} pictures", card_code(data.validation_path),
                                                       data.validation_pictures)}});
  text += "\n## Model\n\n" + card_table({{"Parameters", fmt::format("{}", parameters)},
                                         {"Network", network_of(config.model)},
                                         {"Start", card_start(config.training->init)},
                                         {"Pictures", fmt::format("{} x {}, {}", shape.height, shape.width,
                                                                  shape.channels == 1 ? "grey" : "RGB")},
                                         {"Everything else", "`config.json`"}});
  text += card_training(command, *config.training, fmt::format("{} pictures", config.training->batch));
  text += "\n## Result\n\n" + results_of(config);
  text += fmt::format(
      "\n## Limits\n\nIt knows no classes but these, gives one of them to every picture, and knows no "
      "pictures but those of the\nkind it was trained on.\n\n## Use\n\n    attend run {0} picture.png\n    "
      "attend eval {0} --data FOLDER\n",
      folder);
  return text;
}

}  // namespace attend::task
