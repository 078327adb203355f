#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "attend/base/error.h"
#include "attend/io/file.h"
#include "attend/task/pretrained_encoder.h"
#include "cli/checks.h"
#include "cli/output.h"
#include "cli/pretrain/candidates.h"
#include "cli/program.h"
#include "cli/task_verbs.h"
#include "cli/use_options.h"

namespace attend::cli::pretrain {

namespace {

using Json = nlohmann::ordered_json;

struct RunOptions : UseOptions {
  std::string prompt, file;
  std::int64_t top = 5;
  bool json = false;
};

constexpr std::size_t kMaxPromptBytes = 64 << 20;

std::string read_prompt(const RunOptions& options, bool prompt_given) {
  if (prompt_given) return options.prompt;
  if (options.file.empty() && ::isatty(STDIN_FILENO) == 1)
    throw Error("no text: give --prompt TEXT, --file FILE, or a text on standard input");
  return io::read_file(options.file.empty() ? "/dev/stdin" : options.file, kMaxPromptBytes);
}

Json json_of(const task::FilledText& filled, const std::string& prompt) {
  Json object = {{"task", "pretrain"}, {"prompt", prompt}, {"text", filled.text}, {"hidden", Json::array()}};
  for (const auto& candidates : filled.candidates) {
    Json list = Json::array();
    for (const auto& [token, probability] : candidates)
      list.push_back({{"token", token}, {"probability", probability}});
    object["hidden"].push_back(list);
  }
  return object;
}

int run(const RunOptions& options, bool prompt_given) {
  use_threads(options);
  const task::PretrainedEncoder model(options.model, options.precision);
  const std::string prompt = read_prompt(options, prompt_given);
  const task::FilledText filled = model.fill(prompt, options.top);
  print(options.json ? json_of(filled, prompt).dump(2, ' ', false, Json::error_handler_t::replace) + "\n"
                     : filled.text + (filled.text.ends_with('\n') ? "" : "\n") + shown_candidates(filled));
  return kSuccess;
}

}  // namespace

void add_run(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Use a model: tell the hidden words of a text");
  auto options = std::make_shared<RunOptions>();
  options->precision = "auto";
  add_model_argument(verb, options);
  CLI::Option* prompt =
      verb->add_option("--prompt", options->prompt,
                       "The text, with [MASK] for each token to be told (default: standard input)")
          ->option_text("TEXT");
  verb->add_option("--file", options->file, "A file with the text")
      ->option_text("FILE")
      ->excludes(prompt)
      ->check(path());
  verb->add_option("--top", options->top, "Candidates for each hidden token")
      ->type_name("N")
      ->capture_default_str()
      ->check(whole_number(1, 1000));
  verb->add_flag("--json", options->json, "Print JSON");
  add_machine_options(verb, options);
  verb->footer(
      "Prints the text with the likeliest tokens put in, and for each of them the likeliest ones with their "
      "probabilities.\n\n"
      "Example:\n"
      "  attend run encoder --prompt \"This package contains the [MASK] files.\"");
  verbs.push_back({verb, [options, prompt] { return run(*options, prompt->count() > 0); }});
}

}  // namespace attend::cli::pretrain
