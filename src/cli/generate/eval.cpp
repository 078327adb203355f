#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "attend/base/error.h"
#include "attend/base/version.h"
#include "attend/data/language_model.h"
#include "attend/data/text.h"
#include "attend/task/language_model.h"
#include "cli/checks.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/task_verbs.h"
#include "cli/use_options.h"

namespace attend::cli::generate {

namespace {

struct EvalOptions : UseOptions {
  std::string data, split = "valid";
  bool json = false;
};

int evaluate(const EvalOptions& options) {
  use_threads(options);
  const task::LanguageModel model(options.model, options.precision);
  const std::string text =
      data::read_text(options.data, {.require_utf8 = model.tokenizer().kind() != "byte"});
  const std::vector<std::int32_t> ids = model.tokenizer().encode(text);
  data::TokenView tokens(std::span<const std::int32_t>(ids), model.tokenizer().size());
  if (options.split == "valid") tokens = data::split_by_position(tokens).validation;
  if (tokens.size() < 2)
    throw Error(fmt::format("--data {}: {} tokens in this split, at least 2 are needed", options.data,
                            tokens.size()));
  const task::Evaluation result = model.evaluate(tokens);
  if (options.json) {
    nlohmann::ordered_json facts = {
        {"task", "generate"}, {"loss", result.loss}, {"perplexity", result.perplexity}};
    if (result.bits_per_character) facts["bits_per_character"] = *result.bits_per_character;
    facts.update(nlohmann::ordered_json{{"tokens", result.tokens},
                                        {"characters", result.characters},
                                        {"split", options.split},
                                        {"data", options.data},
                                        {"model", options.model},
                                        {"tokenizer", std::string(model.tokenizer().kind())},
                                        {"context", model.model().config().context},
                                        {"windows", "consecutive"},
                                        {"precision", options.precision},
                                        {"version", version()}});
    print(facts.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
    return kSuccess;
  }
  print(
      fmt::format("loss                {:.4f} nats a token\n"
                  "perplexity          {:.4f}\n"
                  "bits per character  {}\n"
                  "tokens              {} ({} characters), split {}\n",
                  result.loss, result.perplexity,
                  result.bits_per_character ? fmt::format("{:.4f}", *result.bits_per_character)
                                            : "none, no character begins in these tokens",
                  result.tokens, result.characters, options.split));
  return kSuccess;
}

}  // namespace

void add_eval(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Measure how well a model knows a text");
  auto options = std::make_shared<EvalOptions>();
  add_model_argument(verb, options);
  verb->add_option("--data", options->data, "A text file, or a folder of .txt, .text and .md files")
      ->option_text("FILE|DIR (required)")
      ->required()
      ->check(path());
  verb->add_option("--split", options->split,
                   "valid: the last 10 %, which training leaves out; all: everything")
      ->type_name("PART")
      ->capture_default_str()
      ->check(one_of({"valid", "all"}));
  add_machine_options(verb, options);
  verb->add_flag("--json", options->json, "Print JSON, with everything that the numbers depend on");
  verb->footer(
      "Every token of the split but the first is predicted once, in consecutive windows of the model's "
      "context.\n\n"
      "Example:\n"
      "  attend eval model --data book.txt --json");
  verbs.push_back({verb, [options] { return evaluate(*options); }});
}

}  // namespace attend::cli::generate
