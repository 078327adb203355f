#include "task/text_to_text/card.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "task/card_text.h"
#include "task/pair_card.h"

namespace attend::task {

namespace {

CardRows data_rows(const TextToTextConfig& config) {
  const PairFacts& data = *config.data;
  CardRows rows = pair_rows(data);
  rows.emplace_back("Left out", fmt::format("{} bad records, {} pairs longer than the context", data.skipped,
                                            data.too_long));
  rows.emplace_back(
      "Tokens", fmt::format("{} of sources and {} of targets by the {} tokenizer, {} and {} different ones",
                            data.source_tokens, data.target_tokens, config.tokenizer,
                            config.model.source_vocabulary(), config.model.target_vocabulary()));
  return rows;
}

CardRows model_rows(const model::EncoderDecoderConfig& model) {
  if (model.is_rnn())
    return {{"Shape",
             fmt::format("{} + {} recurrent layers, {} units, dim {}, context {}", model.rnn.encoder_layers,
                         model.rnn.decoder_layers, model.rnn.hidden, model.rnn.dim, model.rnn.context)},
            {"Attention", fmt::format("{}, {} heads", card_code(model.rnn.attention), model.rnn.heads)}};
  const model::Seq2SeqConfig& config = model.transformer;
  return {{"Shape", fmt::format("{} + {} layers, {} heads, dim {}, context {}", config.encoder_layers,
                                config.decoder_layers, config.heads, config.dim, config.context)},
          {"Attention",
           fmt::format("encoder {}, decoder {}, between them {}", card_code(config.encoder_attention),
                       card_code(config.decoder_attention), card_code(config.cross_attention))}};
}

std::string results_of(const TrainingResults& results) {
  CardRows rows = card_progress(results);
  if (results.validation_loss) {
    rows.emplace_back("Validation loss", fmt::format("{:.4f} nats a token, at update {}",
                                                     *results.validation_loss, results.best_step));
    rows.emplace_back("Perplexity", fmt::format("{:.4f}", std::exp(*results.validation_loss)));
  } else {
    rows.emplace_back("Validation loss", "not measured: training ended before its first evaluation");
  }
  return card_table(rows) +
         "\nThe validation loss is over every token of the held-out targets, without dropout. The weights "
         "were "
         "chosen by\nthis very loss, so on other pairs of the same kind expect a little more.\n";
}

}  // namespace

std::string text_to_text_card(const TextToTextConfig& config, std::int64_t parameters,
                              std::string_view command, std::string_view folder) {
  const bool translates = config.task == "translate";
  std::string text =
      fmt::format("# A model that {0}\n\n{1} that {0}, trained by attend from random weights.\n\n## Data\n\n",
                  translates ? "translates" : "summarises",
                  config.model.is_rnn() ? "A recurrent encoder-decoder with attention"
                                        : "An encoder-decoder transformer");
  text += card_table(data_rows(config));
  CardRows rows = {{"Parameters", fmt::format("{}", parameters)}};
  for (auto& row : model_rows(config.model)) rows.push_back(std::move(row));
  rows.emplace_back("Everything else", "`config.json`");
  text += "\n## Model\n\n" + card_table(rows);
  text += card_training(command, *config.training,
                        fmt::format("at most {} tokens a side", config.training->batch));
  text += "\n## Result\n\n" + results_of(*config.results);
  text += fmt::format(
      "\n## Limits\n\nIt knows texts like those it learnt from, and no others; what it writes may be fluent "
      "and "
      "wrong. The rights\nto those texts are the rights to what was learnt from them.\n\n"
      "## Use\n\n    attend run {0} \"...\"\n    attend see {0} \"...\" --out page.html\n",
      folder);
  return text;
}

}  // namespace attend::task
