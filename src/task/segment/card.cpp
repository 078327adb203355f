#include "task/segment/card.h"

#include <fmt/format.h>

#include "task/card_text.h"

namespace attend::task {

namespace {

std::string results_of(const SegmentConfig& config) {
  const TrainingResults& results = *config.results;
  const std::string progress = card_table(card_progress(results));
  if (!config.score)
    return progress + "\nNothing was measured: training ended before its first evaluation.\n";
  return progress +
         fmt::format(
             "\n| mean IoU | mean Dice | pixel accuracy | loss, nats per pixel |\n|---|---|---|---|\n"
             "| {:.4f} | {:.4f} | {:.4f} | {:.4f} |\n",
             config.score->mean_iou, config.score->mean_dice, config.score->pixel_accuracy,
             *results.validation_loss) +
         fmt::format(
             "\nOn {} validation pictures, which training did not see. The weights, those of update "
             "{}, were chosen by the\n{} on these very pictures, so on others of the same kind "
             "expect a little less.\n",
             config.data->validation_pictures, results.best_step, config.training->monitor);
}

std::string network_of(const model::UNetConfig& model) {
  std::string way_down;
  if (model.blocks > 0) way_down += fmt::format("{} residual blocks of each, ", model.blocks);
  if (model.block != nn::FeatureAttentionKind::none)
    way_down += fmt::format("attention {} in it, ", nn::name_of(model.block));
  return fmt::format("U-Net: {} levels, {} channels at first, {}{}", model.levels, model.width, way_down,
                     model.gates ? "attention gates on the skip connections" : "no attention gates");
}

}  // namespace

std::string segment_card(const SegmentConfig& config, std::int64_t parameters, std::string_view command,
                         std::string_view folder) {
  const SegmentFacts& data = *config.data;
  std::string classes;
  for (const std::string& name : config.classes) classes += (classes.empty() ? "" : ", ") + card_code(name);
  std::string text =
      "# A segmenter of pictures\n\nA network that tells the class of each pixel of a picture, trained by "
      "attend.\n\n";
  text += "## Data\n\n" +
          card_table({{"Pictures", card_code(data.path)},
                      {"Size", fmt::format("{} pictures to learn from", data.pictures)},
                      {"Classes", classes},
                      {"Validation", data.validation_path.empty()
                                         ? fmt::format("a tenth: {} pictures", data.validation_pictures)
                                         : fmt::format("{}: {} pictures", card_code(data.validation_path),
                                                       data.validation_pictures)}});
  text += "\n## Model\n\n" +
          card_table({{"Parameters", fmt::format("{}", parameters)},
                      {"Network", network_of(config.model)},
                      {"Start", card_start(config.training->init)},
                      {"Pictures", config.model.channels == 1 ? "grey, of any size" : "RGB, of any size"},
                      {"Everything else", "`config.json`"}});
  text += card_training(command, *config.training,
                        fmt::format("{} pictures, of each {} x {} pixels", config.training->batch,
                                    config.training->crop, config.training->crop));
  text += "\n## Result\n\n" + results_of(config);
  text += fmt::format(
      "\n## Limits\n\nIt knows no classes but these, gives one of them to every pixel, and knows no pictures "
      "but those of the\nkind it was trained on.\n\n## Use\n\n    attend run {0} picture.png --out masks\n   "
      " "
      "attend eval {0} --data FOLDER\n",
      folder);
  return text;
}

}  // namespace attend::task
