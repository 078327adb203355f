#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "attend/io/image.h"
#include "attend/task/object_detector.h"
#include "cli/detect/threshold.h"
#include "cli/program.h"
#include "cli/show_picture_maps.h"
#include "cli/task_verbs.h"
#include "cli/use_options.h"

namespace attend::cli::detect {

namespace {

struct SeeOptions : UseOptions {
  std::string picture, out;
  double threshold = 0.5;
};

int see(const SeeOptions& options) {
  use_threads(options);
  check_map_output(options.out);
  const task::ObjectDetector model(options.model, options.precision);
  show_picture_maps(model.see(io::read_image(options.picture), options.threshold), options.out);
  return kSuccess;
}

}  // namespace

void add_see(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Show where the model looked for each object it found");
  auto options = std::make_shared<SeeOptions>();
  add_model_argument(verb, options);
  verb->add_option("picture", options->picture, "The picture (PNG, JPEG)")
      ->option_text("FILE (required)")
      ->required();
  add_threshold(verb, options->threshold);
  add_map_output(verb, options->out);
  add_machine_options(verb, options);
  verb->footer(
      "Of a detection transformer: the attention of each object's query to the places of the picture. Of a "
      "two-stage\ndetector: how many proposals cover each place, and for each object the attention inside "
      "the proposal that\noverlaps it most. The 12 most certain objects at most.\n\n"
      "Examples:\n"
      "  attend see model picture.png\n"
      "  attend see model picture.png --out page.html");
  verbs.push_back({verb, [options] { return see(*options); }});
}

}  // namespace attend::cli::detect
