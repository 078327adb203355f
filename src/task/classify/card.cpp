#include "task/classify/card.h"

#include <fmt/format.h>

#include "task/card_text.h"

namespace attend::task {

namespace {

std::string results_of(const ClassifyConfig& config, const ClassifyEvaluation& evaluation) {
  const TrainingResults& results = *config.results;
  std::string text = card_table(card_progress(results));
  if (!results.validation_loss)
    return text + "\nNothing was measured: training ended before its first evaluation.\n";
  text += "\n| column | accuracy | macro-F1 | loss, nats | calibration error |\n|---|---|---|---|---|\n";
  for (const ColumnEvaluation& column : evaluation.columns)
    text += fmt::format("| {} | {:.4f} | {:.4f} | {:.4f} | {:.4f} |\n", card_code(column.column),
                        column.score.accuracy, column.score.macro.f1, column.loss, column.calibration.error);
  return text +
         fmt::format(
             "\nOn {} validation texts, which training did not see. The weights, those of update {}, were "
             "chosen by the\n{} on these very texts, so on other texts of the same kind expect a little "
             "less.\n",
             evaluation.texts, results.best_step, config.training->monitor);
}

}  // namespace

std::string classify_card(const ClassifyConfig& config, const ClassifyEvaluation& evaluation,
                          std::int64_t parameters, std::string_view command, std::string_view folder) {
  const ClassifyOptions& training = *config.training;
  const ClassifyFacts& data = *config.data;
  const model::EncoderConfig& model = config.model.encoder;
  std::string columns;
  for (const data::LabelSet& column : config.columns)
    columns += fmt::format("{}{} ({} labels)", columns.empty() ? "" : ", ", card_code(column.column()),
                           column.size());
  std::string text = fmt::format(
      "# A text classifier\n\nA transformer encoder that tells labels of a text, trained by attend from "
      "{}.\n\n",
      card_start(training.start));
  text += "## Data\n\n" +
          card_table({{"Texts", card_code(data.path)},
                      {"Columns", columns},
                      {"Size", fmt::format("{} texts to learn from, {} tokens by the {} tokenizer",
                                           data.texts, data.tokens, config.tokenizer)},
                      {"Validation", data.validation_path.empty()
                                         ? fmt::format("the last 10 %: {} texts", data.validation_texts)
                                         : fmt::format("{}: {} texts", card_code(data.validation_path),
                                                       data.validation_texts)}});
  text += "\n## Model\n\n" +
          card_table(
              {{"Parameters", fmt::format("{}", parameters)},
               {"Shape", fmt::format("{} layers, {} heads, dim {}, context {}, pooling {}{}", model.layers,
                                     model.heads, model.dim, model.context, nn::name_of(config.model.pooling),
                                     config.model.bag_of_words > 0 ? "; and a bag of words" : "")},
               {"Attention", card_code(model.attention)},
               {"Everything else", "`config.json`"}});
  text += card_training(command, training, fmt::format("{} texts", training.batch));
  text += "\n## Result\n\n" + results_of(config, evaluation);
  text += fmt::format(
      "\n## Limits\n\nIt knows no labels but these, gives one of them to every text, and knows no texts but "
      "those of the kind\nit was trained on.\n\n## Use\n\n    attend run {0} \"...\"\n    attend see {0} "
      "\"...\" "
      "--out "
      "page.html\n",
      folder);
  return text;
}

}  // namespace attend::task
