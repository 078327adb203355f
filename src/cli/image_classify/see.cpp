#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "attend/base/error.h"
#include "attend/explain/picture_maps.h"
#include "attend/io/file.h"
#include "attend/task/picture_classifier.h"
#include "cli/checks.h"
#include "cli/output.h"
#include "cli/program.h"
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
  const std::string& out = options.out;
  if (!out.empty() && !out.ends_with(".html") && !out.ends_with(".png") && !out.ends_with(".json"))
    throw Error(fmt::format("--out {}: a name that ends in .html, .png or .json is accepted", out));
  const task::PictureClassifier model(options.model, options.precision);
  const explain::PictureMaps maps =
      model.see(io::read_image(options.picture), label_of(model, options.label));
  if (out.empty()) {
    print(explain::to_terminal(
        maps,
        explain::terminal_options(stdout_is_terminal(), std::max(40, terminal_columns(STDOUT_FILENO)))));
    return kSuccess;
  }
  if (out.ends_with(".png")) {
    const std::vector<std::byte> png = explain::to_png(maps);
    io::write_file_atomically(out, {reinterpret_cast<const char*>(png.data()), png.size()});
  } else {
    io::write_file_atomically(out, out.ends_with(".html") ? explain::to_html(maps) : explain::to_json(maps));
  }
  print(out + "\n");
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
  verb->add_option("--out", options->out, "A page, a picture or the numbers; without it, the terminal")
      ->option_text("FILE.html|.png|.json")
      ->check(path());
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
