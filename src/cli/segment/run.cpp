#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "attend/explain/mask_overlay.h"
#include "attend/io/image.h"
#include "attend/io/label_map.h"
#include "attend/task/picture_segmenter.h"
#include "cli/checks.h"
#include "cli/output.h"
#include "cli/picture_files.h"
#include "cli/task_verbs.h"
#include "cli/use_options.h"

namespace attend::cli::segment {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct RunOptions : UseOptions, PictureInput {
  std::string out;
};

Json shares_of(const task::PictureSegmenter& model, const io::Image& mask) {
  std::vector<std::int64_t> counts(model.classes().size());
  for (const std::uint8_t label : mask.pixels) ++counts[label];
  Json shares = Json::object();
  for (std::size_t i = 0; i < counts.size(); ++i)
    shares[model.classes()[i]] = static_cast<double>(counts[i]) / static_cast<double>(mask.pixels.size());
  return shares;
}

void segment_one(const task::PictureSegmenter& model, const fs::path& file, const io::Image& picture,
                 const std::string& out) {
  const io::Image mask = model.segment(picture);
  Json line = {{"picture", file.string()}, {"shares", shares_of(model, mask)}};
  if (!out.empty()) {
    const std::string stem = file.stem().string();
    const fs::path mask_path = fs::path(out) / (stem + ".png"),
                   overlay_path = fs::path(out) / (stem + ".overlay.png");
    write_picture(mask_path, io::encode_label_map(mask, io::label_colors()));
    write_picture(overlay_path, io::encode_png(explain::mask_overlay(picture, mask, io::label_colors())));
    line["mask"] = mask_path.string();
    line["overlay"] = overlay_path.string();
  }
  print(line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

int run_pictures(const RunOptions& options) {
  use_threads(options);
  const task::PictureSegmenter model(options.model, options.precision);
  if (!options.out.empty()) {
    check_stems(options, "mask");
    fs::create_directories(options.out);
  }
  return for_each_picture(options, [&](const fs::path& file, const io::Image& picture) {
    segment_one(model, file, picture, options.out);
  });
}

}  // namespace

void add_run(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Tell the class of each pixel of pictures");
  auto options = std::make_shared<RunOptions>();
  options->precision = "auto";
  add_model_argument(verb, options);
  add_picture_input(verb, *options);
  verb->add_option("--out", options->out,
                   "Write NAME.png, the mask, and NAME.overlay.png for each NAME into this folder")
      ->option_text("FOLDER")
      ->check(path());
  add_machine_options(verb, options);
  verb->footer(
      "A JSON object for each picture, a line each: the share of each class in its pixels.\n\n"
      "Examples:\n"
      "  attend run model picture.png\n"
      "  attend run model photos --out masks\n"
      "  attend run model --follow frames --out masks");
  verbs.push_back({verb, [options] { return run_pictures(*options); }});
}

}  // namespace attend::cli::segment
