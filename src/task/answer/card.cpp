#include "task/answer/card.h"

#include <fmt/format.h>

#include "task/card_text.h"

namespace attend::task {

namespace {

CardRows data_rows(const AnswerConfig& config) {
  const QuestionFacts& data = *config.data;
  return {{"Questions", fmt::format("{} about {} texts from {}; {} have no answer", data.questions,
                                    data.texts, card_code(data.path), data.without_answer)},
          {"Validation",
           data.validation_path.empty()
               ? fmt::format("the last 10 %: {} questions", data.validation_questions)
               : fmt::format("{}: {} questions", card_code(data.validation_path), data.validation_questions)},
          {"Left out", fmt::format("{} bad records", data.skipped)},
          {"Size", fmt::format("{} windows to learn from, {} tokens by the {} tokenizer", data.windows,
                               data.tokens, config.tokenizer)}};
}

std::string results_of(const AnswerConfig& config) {
  CardRows rows = card_progress(*config.results);
  if (!config.scores)
    return card_table(rows) + "\nNothing was measured: training ended before its first evaluation.\n";
  rows.emplace_back("Exact match", fmt::format("{:.2f} %", config.scores->exact));
  rows.emplace_back("F1", fmt::format("{:.2f} %", config.scores->f1));
  if (config.no_answer)
    rows.emplace_back("No answer", fmt::format("above {:.4f}, chosen on these questions", *config.no_answer));
  return card_table(rows) +
         fmt::format(
             "\nOn {} validation questions by the rules of SQuAD. The weights, those of update {}, were "
             "chosen by "
             "the loss on\nthese very questions, so on others of the same kind expect a little less.\n",
             config.data->validation_questions, config.results->best_step);
}

}  // namespace

std::string answer_card(const AnswerConfig& config, std::int64_t parameters, std::string_view command,
                        std::string_view folder) {
  const AnswerOptions& training = *config.training;
  const model::EncoderConfig& model = config.model;
  std::string text = fmt::format(
      "# A model that answers questions\n\nA transformer encoder that finds the part of a text "
      "that answers a question, trained by attend\nfrom {}.\n\n## Data\n\n",
      card_start(training.start));
  text += card_table(data_rows(config));
  text += "\n## Model\n\n" +
          card_table({{"Parameters", fmt::format("{}", parameters)},
                      {"Shape", fmt::format("{} layers, {} heads, dim {}, context {}", model.layers,
                                            model.heads, model.dim, model.context)},
                      {"Windows", fmt::format("begin every {} tokens; answers have at most {}",
                                              training.stride, training.longest_answer)},
                      {"Attention", card_code(model.attention)},
                      {"Everything else", "`config.json`"}});
  text += card_training(command, training, fmt::format("{} windows", training.batch));
  text += "\n## Result\n\n" + results_of(config);
  text += fmt::format(
      "\n## Limits\n\nIt copies its answers from the text, and knows questions and texts like those it "
      "learnt "
      "from, and no others.\n\n## Use\n\n    attend run {0} --context text.txt --question \"...\"\n    "
      "attend "
      "see {0} \"...\" --context text.txt --out page.html\n",
      folder);
  return text;
}

}  // namespace attend::task
