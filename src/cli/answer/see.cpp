#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "attend/data/text.h"
#include "attend/task/text_answerer.h"
#include "cli/checks.h"
#include "cli/program.h"
#include "cli/show_words.h"
#include "cli/task_verbs.h"
#include "cli/use_options.h"

namespace attend::cli::answer {

namespace {

struct SeeOptions : UseOptions {
  std::string question, context, out;
};

int see(const SeeOptions& options) {
  use_threads(options);
  check_words_out(options.out);
  const task::TextAnswerer model(options.model, options.precision);
  const std::string context = data::read_text(options.context);
  show_words(model.see({.context = context, .question = options.question}), options.out);
  return kSuccess;
}

}  // namespace

void add_see(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Show which words led to the answer");
  auto options = std::make_shared<SeeOptions>();
  add_model_argument(verb, options);
  verb->add_option("question", options->question, "What is asked")
      ->option_text("QUESTION (required)")
      ->required();
  verb->add_option("--context", options->context, "The text to search: a file, or a folder of them")
      ->option_text("PATH (required)")
      ->required()
      ->check(path());
  add_words_out(verb, options->out);
  add_machine_options(verb, options);
  verb->footer(
      "The question, and below it the window of the text that the answer stands in. For each word: the "
      "gradient of the\nspan's score times the word, and how much less the score is when the word is "
      "hidden.\n\n"
      "Examples:\n"
      "  attend see model \"Which error means that the disk is full?\" --context manual.txt\n"
      "  attend see model \"Who signed it?\" --context letter.txt --out page.html");
  verbs.push_back({verb, [options] { return see(*options); }});
}

}  // namespace attend::cli::answer
