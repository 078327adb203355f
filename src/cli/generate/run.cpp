#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "attend/base/error.h"
#include "attend/io/file.h"
#include "attend/task/language_model.h"
#include "cli/checks.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/task_verbs.h"
#include "cli/use_options.h"

namespace attend::cli::generate {

namespace {

struct RunOptions : UseOptions {
  std::string prompt, file;
  task::SampleOptions sample;
  bool json = false;
};

constexpr std::size_t kMaxPromptBytes = 64 << 20;

std::string read_prompt(const RunOptions& options, bool prompt_given) {
  if (prompt_given) return options.prompt;
  if (!options.file.empty()) return io::read_file(options.file, kMaxPromptBytes);
  if (::isatty(STDIN_FILENO) == 1) return {};
  return io::read_file("/dev/stdin", kMaxPromptBytes);
}

int run_model(const RunOptions& options, bool prompt_given) {
  use_threads(options);
  task::validate(options.sample);
  const task::LanguageModel model(options.model, options.precision);
  const std::string prompt = read_prompt(options, prompt_given);
  if (options.json) {
    const task::Written written = model.generate(prompt, options.sample);
    const nlohmann::ordered_json result = {
        {"task", "generate"},        {"prompt", prompt},
        {"text", written.text},      {"prompt_tokens", written.prompt_tokens},
        {"tokens", written.tokens},  {"seed", options.sample.seed},
        {"stopped", written.stopped}};
    print(result.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
    return kSuccess;
  }
  bool begun = false;
  // The prompt is shown once the model has taken it: a prompt it does not take gives an error alone.
  const auto begin = [&] {
    if (!begun) print(prompt);
    begun = true;
  };
  const task::Written written = model.generate(prompt, options.sample, [&](std::string_view text) {
    begin();
    print(text);
  });
  begin();
  if (written.text.empty() || written.text.back() != '\n') print("\n");
  return kSuccess;
}

}  // namespace

void add_run(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Use a model: go on with a text");
  auto options = std::make_shared<RunOptions>();
  options->precision = "auto";
  task::SampleOptions& sample = options->sample;
  add_model_argument(verb, options);
  CLI::Option* prompt =
      verb->add_option("--prompt", options->prompt, "The text to go on with (default: standard input)")
          ->option_text("TEXT")
          ->group("Input and output");
  verb->add_option("--file", options->file, "A file with the text to go on with")
      ->option_text("FILE")
      ->group("Input and output")
      ->excludes(prompt)
      ->check(path());
  verb->add_flag("--json", options->json, "Print JSON, when all is written")->group("Input and output");
  verb->add_option("--tokens", sample.tokens, "Tokens to write")
      ->type_name("N")
      ->capture_default_str()
      ->group("Writing")
      ->check(whole_number(0));
  verb->add_option("--temperature", sample.temperature,
                   "Below 1 safer, above 1 wilder; 0: always the likeliest token")
      ->type_name("X")
      ->capture_default_str()
      ->group("Writing")
      ->check(number(0, 1e6));
  verb->add_option("--top-k", sample.top_k, "Choose among the N likeliest tokens (0: all)")
      ->type_name("N")
      ->capture_default_str()
      ->group("Writing")
      ->check(whole_number(0));
  verb->add_option("--top-p", sample.top_p,
                   "Choose among the fewest tokens that have this probability together")
      ->type_name("X")
      ->capture_default_str()
      ->group("Writing")
      ->check(number(1e-9, 1));
  verb->add_option("--seed", sample.seed, "The same seed gives the same text")
      ->type_name("N")
      ->capture_default_str()
      ->group("Writing")
      ->check(whole_number(0));
  verb->add_option("--stop", sample.stop, "End before this text (may be given several times)")
      ->option_text("TEXT")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->group("Writing");
  add_machine_options(verb, options);
  verb->footer(
      "The text appears as it is written, after the prompt. Beyond the context of the model, the last half "
      "of the\n"
      "context is read again and goes on from there.\n\n"
      "Examples:\n"
      "  attend run model --prompt \"Once upon a time\" --tokens 500 --temperature 0.8 --seed 7\n"
      "  attend run model < beginning.txt");
  verbs.push_back({verb, [options, prompt] { return run_model(*options, prompt->count() > 0); }});
}

}  // namespace attend::cli::generate
