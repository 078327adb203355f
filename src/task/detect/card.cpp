#include "task/detect/card.h"

#include <fmt/format.h>

#include "task/card_text.h"

namespace attend::task {

namespace {

std::string results_of(const DetectConfig& config) {
  const TrainingResults& results = *config.results;
  const std::string progress = card_table(card_progress(results));
  if (!config.score)
    return progress + "\nNothing was measured: training ended before its first evaluation.\n";
  return progress +
         fmt::format(
             "\n| mAP at IoU 0.5 to 0.95 | at 0.5 | at 0.75 | loss |\n|---|---|---|---|\n"
             "| {:.4f} | {:.4f} | {:.4f} | {:.4f} |\n",
             config.score->ap, config.score->ap50, config.score->ap75, *results.validation_loss) +
         fmt::format(
             "\nOn {} validation pictures, which training did not see. The weights, those of update "
             "{}, were chosen by the\n{} on these very pictures, so on others of the same kind "
             "expect a little less.\n",
             config.data->validation_pictures, results.best_step, config.training->monitor);
}

std::string network_of(const model::DetectorConfig& model) {
  if (model.kind == "two_stage")
    return fmt::format(
        "two-stage detector: a feature pyramid of {} levels, {} proposals read by {} attention queries each, "
        "{} attention layers between regions",
        model.two_stage.pyramid.levels, model.two_stage.proposals, model.two_stage.pooling_queries,
        model.two_stage.region_layers);
  return fmt::format("detection transformer: {} layers over places, {} of {} object queries",
                     model.transformer.encoder_layers, model.transformer.decoder_layers,
                     model.transformer.queries);
}

std::string validation_of(const DetectFacts& data) {
  if (data.validation_path.empty()) return fmt::format("a tenth: {} pictures", data.validation_pictures);
  return fmt::format("{}: {} pictures", card_code(data.validation_path), data.validation_pictures);
}

}  // namespace

std::string detect_card(const DetectConfig& config, std::int64_t parameters, std::string_view command,
                        std::string_view folder) {
  const DetectFacts& data = *config.data;
  const PictureSize size = config.size;
  std::string classes;
  for (const std::string& name : config.classes) classes += (classes.empty() ? "" : ", ") + card_code(name);
  std::string text =
      "# A detector of objects\n\nA network that finds the objects in a picture, trained by attend.\n\n";
  text += "## Data\n\n" + card_table({{"Pictures", card_code(data.list.empty() ? data.path : data.list)},
                                      {"Size", fmt::format("{} pictures with {} objects to learn from",
                                                           data.pictures, data.objects)},
                                      {"Classes", classes},
                                      {"Validation", validation_of(data)}});
  text += "\n## Model\n\n" +
          card_table({{"Parameters", fmt::format("{}", parameters)},
                      {"Network", network_of(config.model)},
                      {"Pictures",
                       fmt::format("{}, of any size; seen in {} x {} pixels (width x height)",
                                   config.model.channels() == 1 ? "grey" : "RGB", size.width, size.height)},
                      {"Everything else", "`config.json`"}});
  text += card_training(command, *config.training, fmt::format("{} pictures", config.training->batch));
  text += "\n## Result\n\n" + results_of(config);
  text += fmt::format(
      "\n## Limits\n\nIt knows no classes but these, and no pictures but those of the kind it was trained "
      "on. "
      "What is small in\na large picture may be too small in the size that it sees.\n\n## Use\n\n"
      "    attend run {0} picture.png --out drawn\n    attend eval {0} --data FOLDER\n",
      folder);
  return text;
}

}  // namespace attend::task
