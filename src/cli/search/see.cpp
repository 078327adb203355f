#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "attend/task/text_search.h"
#include "cli/program.h"
#include "cli/show_words.h"
#include "cli/task_verbs.h"
#include "cli/use_options.h"

namespace attend::cli::search {

namespace {

struct SeeOptions : UseOptions {
  std::string query, text, out;
};

int see(const SeeOptions& options) {
  use_threads(options);
  check_words_out(options.out);
  const task::TextSearch model(options.model, options.precision);
  show_words(model.see(options.query, options.text), options.out);
  return kSuccess;
}

}  // namespace

void add_see(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Show which words made a query and a text alike");
  auto options = std::make_shared<SeeOptions>();
  add_model_argument(verb, options);
  verb->add_option("query", options->query, "The query")->option_text("QUERY (required)")->required();
  verb->add_option("text", options->text, "The text that it finds, or does not")
      ->option_text("TEXT (required)")
      ->required();
  add_words_out(verb, options->out);
  add_machine_options(verb, options);
  verb->footer(
      "Query and text stand below each other. For each word: its part in the cosine (pooling mean or "
      "attention), the\ngradient of the cosine times the word, and how much smaller the cosine is when the "
      "word is hidden.\n\n"
      "Examples:\n"
      "  attend see model \"chess over the network\" \"a client for the Internet Chess Club\"\n"
      "  attend see model \"chess\" \"a game\" --out page.html");
  verbs.push_back({verb, [options] { return see(*options); }});
}

}  // namespace attend::cli::search
