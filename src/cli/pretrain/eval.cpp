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
#include "attend/task/pretrained_encoder.h"
#include "cli/checks.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/task_verbs.h"
#include "cli/use_options.h"

namespace attend::cli::pretrain {

namespace {

using Json = nlohmann::ordered_json;

struct EvalOptions : UseOptions {
  std::string data, split = "valid";
  std::uint64_t seed = 1;
  bool json = false;
};

int evaluate(const EvalOptions& options) {
  use_threads(options);
  const task::PretrainedEncoder model(options.model, options.precision);
  const std::string text =
      data::read_text(options.data, {.require_utf8 = model.tokenizer().kind() != "byte"});
  const std::vector<std::int32_t> ids = model.tokenizer().encode(text);
  data::TokenView tokens(std::span<const std::int32_t>(ids), model.tokenizer().size());
  if (options.split == "valid") tokens = data::split_by_position(tokens).validation;
  if (tokens.size() < 1)
    throw Error(fmt::format("--data {}: no token in this split, at least 1 is needed", options.data));
  const task::MaskedEvaluation result = model.evaluate(tokens, options.seed);
  if (options.json) {
    const task::PretrainOptions training = model.config().training.value_or(task::PretrainOptions{});
    const Json facts = {{"task", "pretrain"},
                        {"loss", result.loss},
                        {"perplexity", result.perplexity},
                        {"tokens", result.tokens},
                        {"hidden", result.targets},
                        {"mask_share", training.mask_share},
                        {"mask_words", training.mask_words},
                        {"seed", options.seed},
                        {"split", options.split},
                        {"data", options.data},
                        {"model", options.model},
                        {"tokenizer", std::string(model.tokenizer().kind())},
                        {"context", model.config().model.context},
                        {"precision", options.precision},
                        {"version", version()}};
    print(facts.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
    return kSuccess;
  }
  print(fmt::format(
      "masked loss        {:.4f} nats a hidden token\n"
      "masked perplexity  {:.4f}\n"
      "tokens             {}, of them {} hidden (seed {}), split {}\n",
      result.loss, result.perplexity, result.tokens, result.targets, options.seed, options.split));
  return kSuccess;
}

}  // namespace

void add_eval(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Measure how well a model tells hidden words");
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
  verb->add_option("--seed", options->seed, "The same seed hides the same tokens of a text")
      ->type_name("N")
      ->capture_default_str()
      ->check(whole_number(0));
  add_machine_options(verb, options);
  verb->add_flag("--json", options->json, "Print JSON, with everything that the numbers depend on");
  verb->footer(
      "Tokens are hidden as in training, in consecutive rows of the model's context.\n\n"
      "Example:\n"
      "  attend eval encoder --data book.txt --json");
  verbs.push_back({verb, [options] { return evaluate(*options); }});
}

}  // namespace attend::cli::pretrain
