#include "task/generate/card.h"

#include <fmt/format.h>

#include "task/card_text.h"

namespace attend::task {

namespace {

std::string results_of(const GenerateConfig& config, const std::optional<Evaluation>& validation) {
  const TrainingResults& results = *config.results;
  CardRows rows = card_progress(results);
  if (validation) {
    rows.emplace_back("Validation loss",
                      fmt::format("{:.4f} nats a token, at update {}", validation->loss, results.best_step));
    rows.emplace_back("Perplexity", fmt::format("{:.4f}", validation->perplexity));
    if (validation->bits_per_character)
      rows.emplace_back("Bits per character", fmt::format("{:.4f}", *validation->bits_per_character));
  } else {
    rows.emplace_back("Validation loss", "not measured: training ended before its first evaluation");
  }
  return card_table(rows) +
         "\nThe validation loss is over every token of the last 10 % of the text, which training did not "
         "see, without\n"
         "dropout. The weights were chosen by this very loss, so on other text of the same kind expect a "
         "little more.\n";
}

}  // namespace

std::string model_card(const GenerateConfig& config, const std::optional<Evaluation>& validation,
                       std::int64_t parameters, std::string_view command, std::string_view folder) {
  const GenerateOptions& training = *config.training;
  const TextFacts& data = *config.data;
  const model::GptConfig& model = config.model;
  std::string text =
      "# A language model\n\nA GPT decoder that goes on with a text, trained by attend from random "
      "weights.\n\n";
  text += "## Data\n\n" +
          card_table({{"Text", card_code(data.path)},
                      {"Size", fmt::format("{} characters, {} bytes", data.characters, data.bytes)},
                      {"Tokens", fmt::format("{} by the {} tokenizer, {} different ones", data.tokens,
                                             config.tokenizer, model.vocabulary)},
                      {"Validation", fmt::format("the last {} tokens, {} characters", data.validation_tokens,
                                                 data.validation_characters)}});
  text += "\n## Model\n\n" +
          card_table({{"Parameters", fmt::format("{}", parameters)},
                      {"Shape", fmt::format("{} layers, {} heads, dim {}, context {}", model.layers,
                                            model.heads, model.dim, model.context)},
                      {"Attention", card_code(model.attention)},
                      {"Everything else", "`config.json`"}});
  text +=
      card_training(command, training, fmt::format("{} windows of {} tokens", training.batch, model.context));
  text += "\n## Result\n\n" + results_of(config, validation);
  text += fmt::format(
      "\n## Limits\n\nIt knows one text and its style, no facts and no instructions; what it writes may be "
      "untrue, and may\n"
      "repeat passages of the text. The rights to the text are the rights to what was learnt from it.\n\n"
      "## Use\n\n    attend run {0} --prompt \"...\"\n    attend see {0} \"...\" --out page.html\n",
      folder);
  return text;
}

}  // namespace attend::task
