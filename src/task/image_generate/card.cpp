#include "task/image_generate/card.h"

#include <fmt/format.h>

#include "task/card_text.h"

namespace attend::task {

namespace {

bool is_gan(const ImageGenerateConfig& config) {
  return config.model.kind == model::ImageGenerationKind::gan;
}

std::string results_of(const ImageGenerateConfig& config) {
  const TrainingResults& results = *config.results;
  const std::string progress = card_table(card_progress(results));
  if (is_gan(config))
    return progress +
           "\nThe weights are the last: the losses of the two players say nothing of how good "
           "pictures are.\n";
  if (!results.validation_loss)
    return progress + "\nNothing was measured: training ended before its first evaluation.\n";
  return progress + fmt::format(
                        "\nThe loss of the {} validation pictures, squared error and weighed divergence of "
                        "a picture, is {:.2f}, with the\nweights of update {}, which were chosen by it.\n",
                        config.data->validation_pictures, *results.validation_loss, results.best_step);
}

}  // namespace

std::string image_generate_card(const ImageGenerateConfig& config, std::int64_t parameters,
                                std::string_view command, std::string_view folder) {
  const ImageClassifyFacts& data = *config.data;
  const model::ImageGenerationConfig& model = config.model;
  std::string text =
      "# A maker of pictures\n\nA network that makes pictures like those it learned from, trained by "
      "attend.\n\n";
  text += "## Data\n\n" +
          card_table({{"Pictures", card_code(data.path)},
                      {"Size", fmt::format("{} pictures to learn from, of {} classes; {} for validation",
                                           data.pictures, model.classes, data.validation_pictures)}});
  text += "\n## Model\n\n" +
          card_table({{"Kind", is_gan(config) ? "generative adversarial network" : "variational autoencoder"},
                      {"Parameters", fmt::format("{}", parameters)},
                      {"Pictures", fmt::format("{} x {}, {}{}", model.height, model.width,
                                               model.channels == 1 ? "grey" : "RGB",
                                               model.conditional ? ", of a class that is asked for" : "")},
                      {"Latent vector", fmt::format("{} normal numbers", model.latent)},
                      {"Attention", fmt::format("{}, over maps of {} x {}", nn::name_of(model.block),
                                                model.size_of(model.attention_stage).height,
                                                model.size_of(model.attention_stage).width)},
                      {"Everything else", "`config.json`"}});
  text += card_training(command, *config.training, fmt::format("{} pictures", config.training->batch));
  text += "\n## Result\n\n" + results_of(config);
  text += fmt::format(
      "\n## Limits\n\nIts pictures are no photographs: whoever shows them should say that a program made "
      "them. It knows nothing but\nthe kind of pictures it learned from, and what was rare there is rarer "
      "here.\n\n## Use\n\n    attend run {0} --out pictures.png\n    attend eval {0} --data FOLDER "
      "--classifier DIR\n    attend see {0}\n",
      folder);
  return text;
}

}  // namespace attend::task
