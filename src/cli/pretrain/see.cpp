#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>

#include "attend/task/pretrained_encoder.h"
#include "cli/pretrain/candidates.h"
#include "cli/program.h"
#include "cli/show_maps.h"
#include "cli/task_verbs.h"
#include "cli/use_options.h"

namespace attend::cli::pretrain {

namespace {

struct SeeOptions : UseOptions {
  std::string text;
  MapOptions map;
};

int see(const SeeOptions& options) {
  use_threads(options);
  check_out(options.map);
  const task::PretrainedEncoder model(options.model, options.precision);
  check_choice(options.map, model.config().model.layers, model.config().model.heads);
  task::MaskedSight sight = model.see(options.text);
  sight.maps.title = options.model;
  show_maps(std::move(sight.maps), options.map, shown_candidates(sight.filled));
  return kSuccess;
}

}  // namespace

void add_see(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Show where a model looks while it reads a text");
  auto options = std::make_shared<SeeOptions>();
  add_model_argument(verb, options);
  verb->add_option("text", options->text, "The text to read; [MASK] for each token to be told")
      ->option_text("TEXT (required)")
      ->required();
  add_map_options(verb, options->map);
  add_machine_options(verb, options);
  verb->footer(
      "These are the weights that the model computed with, and looking at them changes no bit of what it "
      "computes.\n"
      "Below the heat map stand the tokens that the model expects at each [MASK].\n\n"
      "Examples:\n"
      "  attend see encoder \"a tool for the [MASK] of files\"\n"
      "  attend see encoder \"a tool for the [MASK] of files\" --out page.html");
  verbs.push_back({verb, [options] { return see(*options); }});
}

}  // namespace attend::cli::pretrain
