#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "attend/base/version.h"
#include "attend/task/object_detector.h"
#include "cli/detect/source.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/task_verbs.h"
#include "cli/use_options.h"
#include "io/printable.h"

namespace attend::cli::detect {

namespace {

using Json = nlohmann::ordered_json;

struct EvalOptions : UseOptions {
  SourceOptions source;
  bool skip_bad = false, json = false;
};

/// Nothing where nothing was expected.
Json json_of_share(double value) {
  return value < 0 ? Json() : Json(value);
}

std::string text_of_share(double value) {
  return value < 0 ? "-" : fmt::format("{:.4f}", value);
}

std::string json_of(const task::DetectEvaluation& evaluation, const std::vector<std::string>& classes,
                    const EvalOptions& options) {
  const metric::DetectionScore& score = evaluation.score;
  Json list = Json::array();
  for (std::size_t i = 0; i < classes.size(); ++i)
    list.push_back({{"class", classes[i]},
                    {"ap", json_of_share(score.ap_by_class[i])},
                    {"ap50", json_of_share(score.ap50_by_class[i])}});
  const Json facts = {{"task", "detect"},
                      {"pictures", evaluation.pictures},
                      {"skipped", evaluation.skipped},
                      {"objects", evaluation.objects},
                      {"ap", json_of_share(score.ap)},
                      {"ap50", json_of_share(score.ap50)},
                      {"ap75", json_of_share(score.ap75)},
                      {"ap_small", json_of_share(score.ap_small)},
                      {"ap_medium", json_of_share(score.ap_medium)},
                      {"ap_large", json_of_share(score.ap_large)},
                      {"ar1", json_of_share(score.ar1)},
                      {"ar10", json_of_share(score.ar10)},
                      {"ar100", json_of_share(score.ar100)},
                      {"loss", evaluation.loss},
                      {"classes", list},
                      {"data", options.source.data},
                      {"list", options.source.list},
                      {"model", options.model},
                      {"precision", options.precision},
                      {"version", version()}};
  return facts.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string text_of(const task::DetectEvaluation& evaluation, const std::vector<std::string>& classes) {
  const metric::DetectionScore& score = evaluation.score;
  std::string text = fmt::format(
      "{} pictures, {} objects\n"
      "mAP, IoU 0.5 to 0.95  {}\nmAP, IoU 0.5          {}\nmAP, IoU 0.75         {}\n"
      "  small objects       {}\n  medium              {}\n  large               {}\n"
      "recall, 100 boxes     {}\nloss                  {:.4f}\n",
      evaluation.pictures, evaluation.objects, text_of_share(score.ap), text_of_share(score.ap50),
      text_of_share(score.ap75), text_of_share(score.ap_small), text_of_share(score.ap_medium),
      text_of_share(score.ap_large), text_of_share(score.ar100), evaluation.loss);
  if (evaluation.skipped > 0)
    text += fmt::format("{} pictures that cannot be read skipped\n", evaluation.skipped);
  text += fmt::format("\n{:>8} {:>8}  class\n", "AP", "AP50");
  for (std::size_t i = 0; i < classes.size(); ++i)
    text += fmt::format("{:>8} {:>8}  {}\n", text_of_share(score.ap_by_class[i]),
                        text_of_share(score.ap50_by_class[i]), io::printable(classes[i]));
  return text;
}

int evaluate(const EvalOptions& options) {
  use_threads(options);
  const task::ObjectDetector model(options.model, options.precision);
  const task::DetectEvaluation evaluation = model.evaluate(options.source.source(), options.skip_bad);
  print(options.json ? json_of(evaluation, model.classes(), options) : text_of(evaluation, model.classes()));
  return kSuccess;
}

}  // namespace

void add_eval(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Measure how well a model finds objects in pictures");
  auto options = std::make_shared<EvalOptions>();
  add_model_argument(verb, options);
  add_source(verb, options->source,
             "Names of the folder's pictures, a line each (default: its test.txt, or val.txt, or all)",
             "Options")
      ->required();
  verb->add_flag("--skip-bad", options->skip_bad, "Count and skip pictures that cannot be read");
  verb->add_flag("--json", options->json, "Print JSON, with everything that the numbers depend on");
  add_machine_options(verb, options);
  verb->footer(
      "Mean average precision as COCO measures it: over classes, and over the intersection over union "
      "(IoU)\nfrom which a box is right. Small objects have up to 32 x 32 pixels, large ones more than "
      "96 x 96. Boxes are\nmeasured in pixels of the pictures' files; -: there is no such object.\n\n"
      "Examples:\n"
      "  attend eval model --data bccd\n"
      "  attend eval model --data test.json --json");
  verbs.push_back({verb, [options] { return evaluate(*options); }});
}

}  // namespace attend::cli::detect
