#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>

#include "attend/task/language_model.h"
#include "cli/program.h"
#include "cli/show_maps.h"
#include "cli/task_verbs.h"
#include "cli/use_options.h"
#include "explain/token_text.h"

namespace attend::cli::generate {

namespace {

struct SeeOptions : UseOptions {
  std::string text;
  MapOptions map;
};

std::string next_tokens(const task::Sight& sight) {
  std::string text = "next:";
  for (const auto& [piece, probability] : sight.next)
    text += fmt::format("  '{}' {:.1f} %", explain::show_token(piece, explain::TokenStyle::kQuote),
                        100 * probability);
  return text + "\n";
}

int see(const SeeOptions& options) {
  use_threads(options);
  check_out(options.map);
  const task::LanguageModel model(options.model, options.precision);
  check_choice(options.map, model.config().model.layers, model.config().model.heads);
  task::Sight sight = model.see(options.text);
  sight.maps.title = options.model;
  show_maps(std::move(sight.maps), options.map, next_tokens(sight));
  return kSuccess;
}

}  // namespace

void add_see(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Show where a model looks while it reads a text");
  auto options = std::make_shared<SeeOptions>();
  add_model_argument(verb, options);
  verb->add_option("text", options->text, "The text to read")->option_text("TEXT (required)")->required();
  add_map_options(verb, options->map);
  add_machine_options(verb, options);
  verb->footer(
      "These are the weights that the model computed with, and looking at them changes no bit of what it "
      "computes.\n"
      "Below the heat map stand the tokens that the model expects next.\n\n"
      "Examples:\n"
      "  attend see model \"The cat sat on the mat\"\n"
      "  attend see model \"The cat sat on the mat\" --layer 0 --head 2\n"
      "  attend see model \"The cat sat on the mat\" --out page.html");
  verbs.push_back({verb, [options] { return see(*options); }});
}

}  // namespace attend::cli::generate
