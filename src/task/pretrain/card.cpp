#include "task/pretrain/card.h"

#include <fmt/format.h>

#include "task/card_text.h"

namespace attend::task {

namespace {

std::string results_of(const PretrainConfig& config, const std::optional<MaskedEvaluation>& validation) {
  CardRows rows = card_progress(*config.results);
  if (!validation)
    return card_table(rows) + "\nNothing was measured: training ended before its first evaluation.\n";
  rows.emplace_back("Masked loss", fmt::format("{:.4f} nats a hidden token, at update {}", validation->loss,
                                               config.results->best_step));
  rows.emplace_back("Masked perplexity", fmt::format("{:.4f}", validation->perplexity));
  return card_table(rows) +
         fmt::format(
             "\nOver {} hidden tokens among {} of the last 10 % of the text, which training did not see. The "
             "weights were\nchosen by this very loss, so on other text of the same kind expect a little "
             "more.\n",
             validation->targets, validation->tokens);
}

}  // namespace

std::string pretrain_card(const PretrainConfig& config, const std::optional<MaskedEvaluation>& validation,
                          std::int64_t parameters, std::string_view command, std::string_view folder) {
  const PretrainOptions& training = *config.training;
  const TextFacts& data = *config.data;
  const model::EncoderConfig& model = config.model;
  std::string text = fmt::format(
      "# A pretrained encoder\n\nA transformer encoder that tells hidden words of a text, for other tasks to "
      "start from, trained by attend\nfrom {}.\n\n",
      card_start(training.start));
  text +=
      "## Data\n\n" +
      card_table({{"Text", card_code(data.path)},
                  {"Size", fmt::format("{} characters, {} bytes", data.characters, data.bytes)},
                  {"Tokens", fmt::format("{} by the {} tokenizer, {} different ones with the special ones",
                                         data.tokens, config.tokenizer, model.vocabulary)},
                  {"Validation", fmt::format("the last {} tokens, {} characters", data.validation_tokens,
                                             data.validation_characters)}});
  text += "\n## Model\n\n" +
          card_table({{"Parameters", fmt::format("{}", parameters)},
                      {"Shape", fmt::format("{} layers, {} heads, dim {}, context {}", model.layers,
                                            model.heads, model.dim, model.context)},
                      {"Attention", card_code(model.attention)},
                      {"Hidden", fmt::format("{:.3g} of the {}", training.mask_share,
                                             training.mask_words ? "words" : "tokens")},
                      {"Everything else", "`config.json`"}});
  text +=
      card_training(command, training, fmt::format("{} rows of {} tokens", training.batch, model.context));
  text += "\n## Result\n\n" + results_of(config, validation);
  text += fmt::format(
      "\n## Limits\n\nIt knows the language of one text and no facts. The rights to the text are the rights "
      "to "
      "what was learnt from\nit.\n\n## Use\n\n    attend run {0} --prompt \"a [MASK] text\"\n"
      "    attend train classify --init {0} --data FILE --out DIR\n",
      folder);
  return text;
}

}  // namespace attend::task
