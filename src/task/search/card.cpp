#include "task/search/card.h"

#include <fmt/format.h>

#include "task/card_text.h"
#include "task/pair_card.h"

namespace attend::task {

namespace {

CardRows data_rows(const SearchConfig& config) {
  const PairFacts& data = *config.data;
  CardRows rows = pair_rows(data);
  rows.emplace_back("Left out", fmt::format("{} bad records; {} pairs have a text that is longer than the "
                                            "context, of which the beginning is read",
                                            data.skipped, data.too_long));
  rows.emplace_back(
      "Tokens",
      fmt::format("{} of queries and {} of texts by the {} tokenizer, {} different ones", data.source_tokens,
                  data.target_tokens, config.tokenizer, config.model.encoder.vocabulary));
  return rows;
}

std::string results_of(const SearchConfig& config) {
  CardRows rows = card_progress(*config.results);
  if (!config.scores)
    return card_table(rows) + "\nNothing was measured: training ended before its first evaluation.\n";
  const SearchScores& scores = *config.scores;
  rows.emplace_back("Recall@1", fmt::format("{:.4f}", scores.recall_1));
  rows.emplace_back("Recall@10", fmt::format("{:.4f}", scores.recall_10));
  rows.emplace_back("MRR", fmt::format("{:.4f}", scores.mean_reciprocal_rank));
  rows.emplace_back("nDCG@10", fmt::format("{:.4f}", scores.ndcg_10));
  return card_table(rows) + fmt::format(
                                "\n{} held-out queries, each with {} texts to choose from, one of which is "
                                "its own. The weights, "
                                "those of update\n{}, were chosen by the loss on these very pairs, so on "
                                "others of the same kind "
                                "expect a little less.\n",
                                scores.queries, scores.candidates, config.results->best_step);
}

}  // namespace

std::string search_card(const SearchConfig& config, std::int64_t parameters, std::string_view command,
                        std::string_view folder) {
  const SearchOptions& training = *config.training;
  const model::EncoderConfig& model = config.model.encoder;
  std::string text = fmt::format(
      "# A model that searches\n\nA transformer encoder that makes vectors of texts, close to each other "
      "where "
      "texts belong together, trained by\nattend from {}.\n\n## Data\n\n",
      card_start(training.start));
  text += card_table(data_rows(config));
  text += "\n## Model\n\n" +
          card_table({{"Parameters", fmt::format("{}", parameters)},
                      {"Shape",
                       fmt::format("{} layers, {} heads, dim {}, context {}, pooling {}", model.layers,
                                   model.heads, model.dim, model.context, nn::name_of(config.model.pooling))},
                      {"Attention", card_code(model.attention)},
                      {"Loss", fmt::format("symmetric InfoNCE, the other pairs of a batch as negatives, "
                                           "temperature {}",
                                           training.temperature)},
                      {"Everything else", "`config.json`"}});
  text += card_training(command, training, fmt::format("{} pairs", training.batch));
  text += "\n## Result\n\n" + results_of(config);
  text += fmt::format(
      "\n## Limits\n\nIt knows texts like those it learnt from, and no others, and always finds something, "
      "fitting or not.\n\n## Use\n\n    attend run {0} --index lines.txt --query \"...\"\n    attend see {0} "
      "\"...\" \"...\" --out page.html\n",
      folder);
  return text;
}

}  // namespace attend::task
