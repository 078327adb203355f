#include "task/tag/card.h"

#include <fmt/format.h>

#include "task/card_text.h"
#include "task/tag/data.h"

namespace attend::task {

namespace {

std::string monitored(const TagConfig& config) {
  const std::string& monitor = config.training->monitor;
  const bool spans = monitor == "f1" || (monitor == "auto" && mark_spans(config.tags));
  return monitor == "loss" ? "the loss" : spans ? "the F1 of spans" : "the share of right tags";
}

std::string results_of(const TagConfig& config) {
  CardRows rows = card_progress(*config.results);
  if (!config.scores || !config.results->validation_loss)
    return card_table(rows) + "\nNothing was measured: training ended before its first evaluation.\n";
  rows.emplace_back("Words with the right tag", fmt::format("{:.4f}", config.scores->accuracy));
  if (mark_spans(config.tags))
    rows.emplace_back("F1 of spans", fmt::format("{:.4f}", config.scores->span_f1));
  rows.emplace_back("Loss", fmt::format("{:.4f} nats a word", *config.results->validation_loss));
  return card_table(rows) +
         fmt::format(
             "\nOn {} validation sentences, which training did not see. The weights, those of update {}, "
             "were "
             "chosen by\n{} on these very sentences, so on others of the same kind expect a little less.\n",
             config.data->validation_sentences, config.results->best_step, monitored(config));
}

}  // namespace

std::string tag_card(const TagConfig& config, std::int64_t parameters, std::string_view command,
                     std::string_view folder) {
  const TagOptions& training = *config.training;
  const TagFacts& data = *config.data;
  const model::EncoderConfig& model = config.model.encoder;
  std::string tags;
  for (const std::string& tag : config.tags)
    tags += fmt::format("{}{}", tags.empty() ? "" : " ", card_code(tag));
  std::string text = fmt::format(
      "# A tagger\n\nA transformer encoder that gives each word of a sentence a tag, trained by attend from "
      "{}.\n\n",
      card_start(training.start));
  text +=
      "## Data\n\n" +
      card_table({{"Sentences", card_code(data.path)},
                  {"Tags", tags},
                  {"Size", fmt::format("{} sentences to learn from, {} words, {} tokens by the {} tokenizer",
                                       data.sentences, data.words, data.tokens, config.tokenizer)},
                  {"Validation", fmt::format("{}: {} sentences",
                                             data.validation_path.empty() ? "the last 10 %"
                                                                          : card_code(data.validation_path),
                                             data.validation_sentences)}});
  text += "\n## Model\n\n" +
          card_table({{"Parameters", fmt::format("{}", parameters)},
                      {"Shape", fmt::format("{} layers, {} heads, dim {}, context {}, {}", model.layers,
                                            model.heads, model.dim, model.context,
                                            config.model.crf ? "conditional random field" : "softmax")},
                      {"Attention", card_code(model.attention)},
                      {"Everything else", "`config.json`"}});
  text += card_training(command, training, fmt::format("{} sentences", training.batch));
  return text + "\n## Result\n\n" + results_of(config) +
         fmt::format(
             "\n## Limits\n\nIt knows no tags but these, and no sentences but those of the kind it was "
             "trained "
             "on. Words are separated by\nspaces, and punctuation marks are words of their own, as in the "
             "data.\n\n## Use\n\n    attend run {0} \"...\"\n    attend eval {0} --data FILE\n",
             folder);
}

}  // namespace attend::task
