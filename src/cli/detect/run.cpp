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
#include "cli/picture_alerts.h"
#include "cli/picture_files.h"
#include "cli/task_verbs.h"
#include "cli/use_options.h"

namespace attend::cli::detect {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct RunOptions : UseOptions, PictureInput {
  std::vector<std::string> alerts;
  std::string out;
  double threshold = 0.5;
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

void print_objects(const task::ObjectDetector& model, const fs::path& file, const io::Image& picture,
                   const std::vector<data::DetectedBox>& found, const RunOptions& options) {
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
  PictureAlerts alerts(options.alerts, model.classes(), AlertForm::json);
  if (!options.out.empty()) {
    check_stems(options, "drawing");
    fs::create_directories(options.out);
  }
  return for_each_picture(options, [&](const fs::path& file, const io::Image& picture) {
    const std::vector<data::DetectedBox> found = model.detect(picture, options.threshold);
    print_objects(model, file, picture, found, options);
    alerts.push(file, [&](const task::AppearanceRule& rule) {
      return appears_in(rule, found, picture.width, picture.height);
    });
  });
}

}  // namespace

void add_run(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Find the objects in pictures");
  auto options = std::make_shared<RunOptions>();
  options->precision = "auto";
  add_model_argument(verb, options);
  add_picture_input(verb, *options);
  add_threshold(verb, options->threshold);
  verb->add_option("--out", options->out,
                   "Write NAME.png, the picture with its objects drawn, for each NAME into this folder")
      ->option_text("FOLDER")
      ->check(path());
  add_picture_alerts(verb, options->alerts, "'CLASS [in LEFT,TOP,RIGHT,BOTTOM] [frames=N]'");
  add_machine_options(verb, options);
  verb->footer(
      "A JSON object for each picture, a line each: the objects found, the most certain first, with their "
      "class,\nscore and box: left, top, right, bottom in pixels of the file.\nWith --alert, a further "
      "object "
      "when the centre of such a box comes into the region (shares of the picture's\nwidth and height; the "
      "whole "
      "picture without) in N pictures in a row, and when none is there any more in as many.\n\n"
      "Examples:\n"
      "  attend run model picture.png\n"
      "  attend run model photos --threshold 0.3 --out drawn\n"
      "  attend run model --follow frames --alert 'person in 0.2,0.1,0.6,0.9 frames=3'");
  verbs.push_back({verb, [options] { return run_pictures(*options); }});
}

}  // namespace attend::cli::detect
