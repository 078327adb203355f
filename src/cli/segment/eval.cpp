#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "attend/base/version.h"
#include "attend/task/picture_segmenter.h"
#include "cli/checks.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/task_verbs.h"
#include "cli/use_options.h"
#include "io/printable.h"

namespace attend::cli::segment {

namespace {

using Json = nlohmann::ordered_json;

struct EvalOptions : UseOptions {
  std::string data;
  bool skip_bad = false, json = false;
};

std::string json_of(const task::SegmentEvaluation& evaluation, const std::vector<std::string>& classes,
                    const EvalOptions& options) {
  Json list = Json::array();
  for (std::size_t i = 0; i < classes.size(); ++i) {
    const metric::PixelClassScore& score = evaluation.score.by_class[i];
    list.push_back({{"class", classes[i]},
                    {"iou", score.iou ? Json(*score.iou) : Json()},
                    {"dice", score.dice ? Json(*score.dice) : Json()},
                    {"pixels", score.expected},
                    {"predicted_pixels", score.predicted}});
  }
  const Json facts = {{"task", "segment"},
                      {"pictures", evaluation.pictures},
                      {"skipped", evaluation.skipped},
                      {"pixels", evaluation.score.pixels},
                      {"mean_iou", evaluation.score.mean_iou},
                      {"mean_dice", evaluation.score.mean_dice},
                      {"pixel_accuracy", evaluation.score.pixel_accuracy},
                      {"loss", evaluation.loss},
                      {"absent_classes", evaluation.score.absent},
                      {"classes", list},
                      {"data", options.data},
                      {"model", options.model},
                      {"precision", options.precision},
                      {"version", version()}};
  return facts.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string text_of(const task::SegmentEvaluation& evaluation, const std::vector<std::string>& classes) {
  const metric::SegmentationScore& score = evaluation.score;
  std::string text = fmt::format(
      "{} pictures\nmean IoU        {:.4f}\nmean Dice       {:.4f}\npixel accuracy  {:.4f}\n"
      "loss            {:.4f} nats per pixel\n",
      evaluation.pictures, score.mean_iou, score.mean_dice, score.pixel_accuracy, evaluation.loss);
  if (evaluation.skipped > 0)
    text += fmt::format("{} pictures that cannot be read skipped\n", evaluation.skipped);
  if (score.absent > 0)
    text += fmt::format("{} classes are in no mask and no answer, and not in the means\n", score.absent);
  text += fmt::format("\n{:>8} {:>8} {:>12}  class\n", "IoU", "Dice", "pixels");
  const auto number = [](const std::optional<double>& value) {
    return value ? fmt::format("{:.4f}", *value) : std::string("-");
  };
  for (std::size_t i = 0; i < classes.size(); ++i) {
    const metric::PixelClassScore& own = score.by_class[i];
    text += fmt::format("{:>8} {:>8} {:>12}  {}\n", number(own.iou), number(own.dice), own.expected,
                        io::printable(classes[i]));
  }
  return text;
}

int evaluate(const EvalOptions& options) {
  use_threads(options);
  const task::PictureSegmenter model(options.model, options.precision);
  const task::SegmentEvaluation evaluation = model.evaluate(options.data, options.skip_bad);
  print(options.json ? json_of(evaluation, model.classes(), options) : text_of(evaluation, model.classes()));
  return kSuccess;
}

}  // namespace

void add_eval(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Measure how well a model segments pictures");
  auto options = std::make_shared<EvalOptions>();
  add_model_argument(verb, options);
  verb->add_option("--data", options->data, "Pictures and masks, as for training")
      ->option_text("FOLDER|FILE (required)")
      ->required()
      ->check(path());
  verb->add_flag("--skip-bad", options->skip_bad, "Count and skip pictures that cannot be read");
  verb->add_flag("--json", options->json, "Print JSON, with everything that the numbers depend on");
  add_machine_options(verb, options);
  verb->footer(
      "Over all pixels whose class is known: IoU and Dice of each class and their means, pixel accuracy, and "
      "the loss.\n\n"
      "Example:\n"
      "  attend eval model --data brain/test");
  verbs.push_back({verb, [options] { return evaluate(*options); }});
}

}  // namespace attend::cli::segment
