#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>

#include "attend/base/parallel.h"
#include "attend/task/pretrained_encoder.h"
#include "cli/checks.h"
#include "cli/pretrain/candidates.h"
#include "cli/pretrain/verbs.h"
#include "cli/program.h"
#include "cli/show_maps.h"

namespace attend::cli::pretrain {

namespace {

struct PretrainSee {
  std::string model, text, precision = "f32";
  MapOptions map;
  std::int64_t threads = 0;
};

int see(const PretrainSee& options) {
  if (options.threads > 0) set_threads(static_cast<int>(options.threads));
  check_out(options.map);
  const task::PretrainedEncoder model(options.model, options.precision);
  check_choice(options.map, model.config().model.layers, model.config().model.heads);
  task::MaskedSight sight = model.see(options.text);
  sight.maps.title = options.model;
  show_maps(std::move(sight.maps), options.map, shown_candidates(sight.filled));
  return kSuccess;
}

}  // namespace

void add_see(CLI::App& see_verb, std::vector<Verb>& verbs) {
  CLI::App* verb = see_verb.add_subcommand("pretrain", "Show where a model looks while it reads a text");
  auto options = std::make_shared<PretrainSee>();
  verb->add_option("model", options->model, "The model folder")
      ->option_text("DIR (required)")
      ->required()
      ->check(path());
  verb->add_option("text", options->text, "The text to read; [MASK] for each token to be told")
      ->option_text("TEXT (required)")
      ->required();
  add_map_options(verb, options->map);
  verb->add_option("--precision", options->precision, "f32, bf16, or auto: bf16 where the processor has it")
      ->type_name("P")
      ->capture_default_str()
      ->check(one_of({"f32", "bf16", "auto"}));
  verb->add_option("--threads", options->threads, "Threads (default: all cores)")
      ->option_text("N")
      ->check(whole_number(1, 1024));
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
