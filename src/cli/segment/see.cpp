#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "attend/io/image.h"
#include "attend/task/picture_segmenter.h"
#include "cli/program.h"
#include "cli/show_picture_maps.h"
#include "cli/task_verbs.h"
#include "cli/use_options.h"

namespace attend::cli::segment {

namespace {

struct SeeOptions : UseOptions {
  std::string picture, out;
};

int see(const SeeOptions& options) {
  use_threads(options);
  check_map_output(options.out);
  const task::PictureSegmenter model(options.model, options.precision);
  show_picture_maps(model.see(io::read_image(options.picture)), options.out);
  return kSuccess;
}

}  // namespace

void add_see(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Show what attention gates let through");
  auto options = std::make_shared<SeeOptions>();
  add_model_argument(verb, options);
  verb->add_option("picture", options->picture, "The picture (PNG, JPEG)")
      ->option_text("FILE (required)")
      ->required();
  add_map_output(verb, options->out);
  add_machine_options(verb, options);
  verb->footer(
      "The gate of each level of the network, the finest first, what attention of the kind cbam weighs on "
      "the "
      "way\ndown, and the probability of each class but the first.\n\n"
      "Examples:\n"
      "  attend see model picture.png\n"
      "  attend see model picture.png --out page.html");
  verbs.push_back({verb, [options] { return see(*options); }});
}

}  // namespace attend::cli::segment
