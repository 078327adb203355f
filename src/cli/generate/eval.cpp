#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "attend/base/version.h"
#include "attend/data/language_model.h"
#include "attend/data/text.h"
#include "attend/task/language_model.h"
#include "cli/checks.h"
#include "cli/generate/verbs.h"
#include "cli/output.h"
#include "cli/program.h"

namespace attend::cli::generate {

namespace {

struct EvalOptions {
  std::string model, data, split = "valid", precision = "f32";
  std::int64_t threads = 0;
  bool json = false;
};

int evaluate(const EvalOptions& options) {
  if (options.threads > 0) set_threads(static_cast<int>(options.threads));
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

void add_eval(CLI::App& eval, std::vector<Verb>& verbs) {
  CLI::App* verb = eval.add_subcommand("generate", "Measure how well a model knows a text");
  auto options = std::make_shared<EvalOptions>();
  verb->add_option("model", options->model, "The model folder")
      ->option_text("DIR (required)")
      ->required()
      ->check(path());
  verb->add_option("--data", options->data, "A text file, or a folder of .txt, .text and .md files")
      ->option_text("FILE|DIR (required)")
      ->required()
      ->check(path());
  verb->add_option("--split", options->split,
                   "valid: the last 10 %, which training leaves out; all: everything")
      ->type_name("PART")
      ->capture_default_str()
      ->check(one_of({"valid", "all"}));
  verb->add_option("--precision", options->precision, "f32, bf16, or auto: bf16 where the processor has it")
      ->type_name("P")
      ->capture_default_str()
      ->check(one_of({"f32", "bf16", "auto"}));
  verb->add_option("--threads", options->threads, "Threads (default: all cores)")
      ->option_text("N")
      ->check(whole_number(1, 1024));
  verb->add_flag("--json", options->json, "Print JSON, with everything that the numbers depend on");
  verb->footer(
      "Every token of the split but the first is predicted once, in consecutive windows of the model's "
      "context.\n\n"
      "Example:\n"
      "  attend eval model --data book.txt --json");
  verbs.push_back({verb, [options] { return evaluate(*options); }});
}

}  // namespace attend::cli::generate
