#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "attend/base/error.h"
#include "attend/io/image.h"
#include "attend/task/picture_classifier.h"
#include "cli/program.h"
#include "cli/show_picture_maps.h"
#include "cli/task_verbs.h"
#include "cli/use_options.h"
#include "io/printable.h"

namespace attend::cli::image_classify {

namespace {

struct SeeOptions : UseOptions {
  std::string picture, label, out;
};

std::optional<std::int64_t> label_of(const task::PictureClassifier& model, const std::string& name) {
  if (name.empty()) return std::nullopt;
  const auto found = std::ranges::find(model.classes(), name);
  if (found != model.classes().end()) return found - model.classes().begin();
  std::vector<std::string> known;
  for (const std::string& known_name : model.classes()) known.push_back(io::printable(known_name));
  throw Error(fmt::format("--class {}: this model has {}", io::printable(name), fmt::join(known, ", ")));
}

int see(const SeeOptions& options) {
  use_threads(options);
  check_picture_map_output(options.out);
  const task::PictureClassifier model(options.model, options.precision);
  show_picture_maps(model.see(io::read_image(options.picture), label_of(model, options.label)), options.out);
  return kSuccess;
}

}  // namespace

void add_see(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Show which places of a picture decided");
  auto options = std::make_shared<SeeOptions>();
  add_model_argument(verb, options);
  verb->add_option("picture", options->picture, "The picture (PNG, JPEG)")
      ->option_text("FILE (required)")
      ->required();
  verb->add_option("--class", options->label, "The class that is explained (default: the one it answers)")
      ->option_text("NAME");
  add_picture_map_output(verb, options->out);
  add_machine_options(verb, options);
  verb->footer(
      "Occlusion for every model; Grad-CAM and the gates of CBAM for a residual network; attention rollout, "
      "layers and\nheads for a vision transformer.\n\n"
      "Examples:\n"
      "  attend see model picture.png\n"
      "  attend see model picture.png --class Bag --out page.html");
  verbs.push_back({verb, [options] { return see(*options); }});
}

}  // namespace attend::cli::image_classify
