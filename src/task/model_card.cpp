#include "task/model_card.h"

#include <fmt/format.h>

#include <cmath>

#include "attend/backend/processor.h"
#include "attend/base/version.h"

namespace attend::task {

namespace {

std::string table(const std::vector<std::pair<std::string, std::string>>& rows) {
  std::string text = "| | |\n|---|---|\n";
  for (const auto& [name, value] : rows) text += fmt::format("| {} | {} |\n", name, value);
  return text;
}

/// A path or command as code in a table: no back tick, bar or line break may end it.
std::string code(std::string_view text) {
  std::string result = "`";
  for (const char c : text) result += c == '`' || c == '|' || static_cast<unsigned char>(c) < 0x20 ? '?' : c;
  return result + "`";
}

std::string duration(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole < 60) return fmt::format("{:.1f} s", seconds);
  return fmt::format("{} min {} s", whole / 60, whole % 60);
}

std::string results_of(const GenerateConfig& config, const std::optional<Evaluation>& validation) {
  const GenerateResults& results = *config.results;
  std::vector<std::pair<std::string, std::string>> rows = {
      {"Updates", fmt::format("{} (ended by: {})", results.step, results.ended)},
      {"Time", duration(results.seconds)}};
  if (validation) {
    rows.emplace_back("Validation loss",
                      fmt::format("{:.4f} nats a token, at update {}", validation->loss, results.best_step));
    rows.emplace_back("Perplexity", fmt::format("{:.4f}", validation->perplexity));
    if (validation->bits_per_character)
      rows.emplace_back("Bits per character", fmt::format("{:.4f}", *validation->bits_per_character));
  } else {
    rows.emplace_back("Validation loss", "not measured: training ended before its first evaluation");
  }
  return table(rows) +
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
          table({{"Text", code(data.path)},
                 {"Size", fmt::format("{} characters, {} bytes", data.characters, data.bytes)},
                 {"Tokens", fmt::format("{} by the {} tokenizer, {} different ones", data.tokens,
                                        config.tokenizer, model.vocabulary)},
                 {"Validation", fmt::format("the last {} tokens, {} characters", data.validation_tokens,
                                            data.validation_characters)}});
  text +=
      "\n## Model\n\n" + table({{"Parameters", fmt::format("{}", parameters)},
                                {"Shape", fmt::format("{} layers, {} heads, dim {}, context {}", model.layers,
                                                      model.heads, model.dim, model.context)},
                                {"Attention", code(model.attention)},
                                {"Everything else", "`config.json`"}});
  text +=
      "\n## Training\n\n" + table({{"Command", code(command)},
                                   {"Seed", fmt::format("{}", training.seed)},
                                   {"Batch", fmt::format("{} windows of {} tokens, {} batches an update",
                                                         training.batch, model.context, training.accumulate)},
                                   {"Precision", training.precision},
                                   {"Machine", fmt::format("{}, {} threads, kernels {}", processor().name,
                                                           processor().threads, processor().kernels)},
                                   {"Version", fmt::format("attend {}", version())}});
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
