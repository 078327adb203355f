#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "attend/base/error.h"
#include "attend/task/text_to_text_model.h"
#include "cli/program.h"
#include "cli/show_maps.h"
#include "cli/task_verbs.h"
#include "cli/text_to_text/write_options.h"
#include "cli/use_options.h"

namespace attend::cli::text_to_text {

namespace {

struct SeeOptions : UseOptions {
  std::string source, target;
  task::WriteOptions write;
  MapOptions map;
};

int see(const SeeOptions& options) {
  use_threads(options);
  check_out(options.map);
  task::validate(options.write);
  const task::TextToText model(options.model, options.precision);
  check_choice(options.map, model.config().model.cross_layers(), model.config().model.heads());
  std::string target = options.target;
  if (target.empty())
    target = model.write(std::vector<std::string>{options.source}, options.write)[0][0].text;
  if (target.empty()) throw Error("the model writes nothing for this text: name a TARGET to look at");
  explain::AttentionMaps maps = model.see(options.source, target);
  maps.title = options.model;
  show_maps(std::move(maps), options.map, fmt::format("{}\n", target));
  return kSuccess;
}

}  // namespace

void add_see(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(
      task, "Show which words of the source each word of the target looked at while it was written");
  auto options = std::make_shared<SeeOptions>();
  add_model_argument(verb, options);
  verb->add_option("source", options->source, "The text to read")
      ->option_text("SOURCE (required)")
      ->required();
  verb->add_option("target", options->target, "The text that is written (default: what the model writes)")
      ->option_text("[TARGET]");
  add_map_options(verb, options->map);
  add_write_options(verb, options->write);
  add_machine_options(verb, options);
  verb->footer(
      "Rows are words of the target, columns words of the source; layers are those of the decoder.\n\n"
      "Examples:\n"
      "  attend see model \"A dog runs on the beach.\"\n"
      "  attend see model \"A dog runs.\" \"Ein Hund rennt.\" --out page.html");
  verbs.push_back({verb, [options] { return see(*options); }});
}

}  // namespace attend::cli::text_to_text
