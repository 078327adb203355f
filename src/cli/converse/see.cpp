#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "attend/task/converser.h"
#include "cli/program.h"
#include "cli/show_words.h"
#include "cli/task_verbs.h"
#include "cli/use_options.h"

namespace attend::cli::converse {

namespace {

struct SeeOptions : UseOptions {
  std::string question, out;
};

int see(const SeeOptions& options) {
  use_threads(options);
  check_words_out(options.out);
  show_words(task::Converser(options.model, options.precision).see(options.question), options.out);
  return kSuccess;
}

}  // namespace

void add_see(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Show which words made a question and its reply alike");
  auto options = std::make_shared<SeeOptions>();
  add_model_argument(verb, options);
  verb->add_option("question", options->question, "What is said")->option_text("TEXT (required)")->required();
  add_words_out(verb, options->out);
  add_machine_options(verb, options);
  verb->footer("Example:\n  attend see agent \"How do I return a parcel?\" --out page.html");
  verbs.push_back({verb, [options] { return see(*options); }});
}

}  // namespace attend::cli::converse
