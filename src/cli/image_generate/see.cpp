#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "attend/task/picture_generator.h"
#include "cli/image_generate/sampling_options.h"
#include "cli/program.h"
#include "cli/show_picture_maps.h"
#include "cli/task_verbs.h"

namespace attend::cli::image_generate {

namespace {

struct SeeOptions : SamplingOptions {
  std::string label, out;
};

int see(const SeeOptions& options) {
  use_threads(options);
  check_map_output(options.out);
  const task::PictureGenerator model(options.model, options.precision);
  show_picture_maps(
      model.see(options.label.empty() ? 0 : label_of(model, options.label), sampling_of(options)),
      options.out);
  return kSuccess;
}

}  // namespace

void add_see(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Show where a model looks while it makes a picture");
  auto options = std::make_shared<SeeOptions>();
  add_model_argument(verb, options);
  verb->add_option("--class", options->label, "What is to be seen (default: the first class)")
      ->option_text("NAME");
  add_sampling_options(verb, options);
  add_map_output(verb, options->out);
  add_machine_options(verb, options);
  verb->footer(
      "The attention that each place of the generator's maps gets, and what its middle and the middles of "
      "its quarters look at,\nover the picture that came of it.\n\n"
      "Examples:\n"
      "  attend see model\n"
      "  attend see model --class Bag --seed 7 --out page.html");
  verbs.push_back({verb, [options] { return see(*options); }});
}

}  // namespace attend::cli::image_generate
