#include <CLI/CLI.hpp>
#include <cmath>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "attend/explain/draw_boxes.h"
#include "attend/io/image.h"
#include "attend/task/object_detector.h"
#include "cli/checks.h"
#include "cli/detect/threshold.h"
#include "cli/output.h"
#include "cli/picture_files.h"
#include "cli/program.h"
#include "cli/task_verbs.h"
#include "cli/use_options.h"

namespace attend::cli::detect {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct RunOptions : UseOptions {
  std::vector<std::string> paths;
  std::string out;
  double threshold = 0.5;
  bool skip_bad = false;
};

/// To a hundredth of a pixel.
double rounded(float place) {
  return std::round(100 * double{place}) / 100;
}

Json json_of(const data::DetectedBox& object, const std::vector<std::string>& classes) {
  const data::Box& box = object.box;
  return {{"class", classes[static_cast<std::size_t>(box.label)]},
          {"score", object.score},
          {"box", {rounded(box.x0), rounded(box.y0), rounded(box.x1), rounded(box.y1)}}};
}

void detect_in_one(const task::ObjectDetector& model, const fs::path& file, const io::Image& picture,
                   const RunOptions& options) {
  const std::vector<data::DetectedBox> found = model.detect(picture, options.threshold);
  Json objects = Json::array();
  for (const data::DetectedBox& object : found) objects.push_back(json_of(object, model.classes()));
  Json line = {
      {"picture", file.string()}, {"width", picture.width}, {"height", picture.height}, {"objects", objects}};
  if (!options.out.empty()) {
    const fs::path path = fs::path(options.out) / (file.stem().string() + ".png");
    write_picture(path, io::encode_png(explain::draw_boxes(picture, found, model.classes())));
    line["drawing"] = path.string();
  }
  print(line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

int run_pictures(const RunOptions& options) {
  use_threads(options);
  const task::ObjectDetector model(options.model, options.precision);
  const std::vector<fs::path> files = picture_files(options.paths);
  if (!options.out.empty()) {
    check_stems(files, "drawing");
    fs::create_directories(options.out);
  }
  for_each_picture(files, options.skip_bad, [&](const fs::path& file, const io::Image& picture) {
    detect_in_one(model, file, picture, options);
  });
  return kSuccess;
}

}  // namespace

void add_run(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Find the objects in pictures");
  auto options = std::make_shared<RunOptions>();
  options->precision = "auto";
  add_model_argument(verb, options);
  verb->add_option("picture", options->paths, "Pictures (PNG, JPEG), or folders of them")
      ->option_text("FILE|FOLDER... (required)")
      ->required();
  add_threshold(verb, options->threshold);
  verb->add_option("--out", options->out,
                   "Write NAME.png, the picture with its objects drawn, for each NAME into this folder")
      ->option_text("FOLDER")
      ->check(path());
  verb->add_flag("--skip-bad", options->skip_bad, "Count and skip pictures that cannot be read");
  add_machine_options(verb, options);
  verb->footer(
      "A JSON object for each picture, a line each: the objects found, the most certain first, with their "
      "class,\nscore and box: left, top, right, bottom in pixels of the file.\n\n"
      "Examples:\n"
      "  attend run model picture.png\n"
      "  attend run model photos --threshold 0.3 --out drawn");
  verbs.push_back({verb, [options] { return run_pictures(*options); }});
}

}  // namespace attend::cli::detect
