#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "attend/base/error.h"
#include "attend/io/image.h"
#include "attend/task/picture_classifier.h"
#include "cli/output.h"
#include "cli/picture_alerts.h"
#include "cli/picture_files.h"
#include "cli/task_verbs.h"
#include "cli/use_options.h"

namespace attend::cli::image_classify {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct RunOptions : UseOptions, PictureInput {
  std::vector<std::string> alerts;
  bool json = false;
};

std::string line_of(const task::PictureClassifier& model, const fs::path& file,
                    const task::ClassAnswer& answer) {
  std::string line = fmt::format("{}\t{:.4f}\t{}", model.classes()[static_cast<std::size_t>(answer.label)],
                                 answer.probability(), file.string());
  std::ranges::replace(line, '\n', ' ');
  return line + "\n";
}

std::string json_of(const task::PictureClassifier& model, const fs::path& file,
                    const task::ClassAnswer& answer) {
  Json all = Json::object();
  for (std::size_t i = 0; i < answer.probabilities.size(); ++i)
    all[model.classes()[i]] = answer.probabilities[i];
  const Json object = {{"picture", file.string()},
                       {"class", model.classes()[static_cast<std::size_t>(answer.label)]},
                       {"probability", answer.probability()},
                       {"probabilities", all}};
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

PictureAlerts alerts_of(const RunOptions& options, const std::vector<std::string>& classes) {
  PictureAlerts alerts(options.alerts, classes, options.json ? AlertForm::json : AlertForm::text);
  for (const task::AppearanceWatch& watch : alerts.watches())
    if (watch.rule().region != task::PictureRegion{})
      throw Error(fmt::format("--alert '{}': this model tells no places in a picture; leave out the region",
                              to_string(watch.rule())));
  return alerts;
}

int run_pictures(const RunOptions& options) {
  use_threads(options);
  const task::PictureClassifier model(options.model, options.precision);
  PictureAlerts alerts = alerts_of(options, model.classes());
  return for_each_picture(options, [&](const fs::path& file, const io::Image& picture) {
    const task::ClassAnswer answer = model.classify(std::vector<io::Image>{picture})[0];
    print(options.json ? json_of(model, file, answer) : line_of(model, file, answer));
    alerts.push(file, [&](const task::AppearanceRule& rule) { return answer.label == rule.label_index; });
  });
}

}  // namespace

void add_run(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Tell the classes of pictures");
  auto options = std::make_shared<RunOptions>();
  options->precision = "auto";
  add_model_argument(verb, options);
  add_picture_input(verb, *options);
  verb->add_flag("--json", options->json, "Print a JSON object for each picture, with all probabilities");
  add_picture_alerts(verb, options->alerts, "'CLASS [frames=N]'");
  add_machine_options(verb, options);
  verb->footer(
      "A line for each picture: its class, the probability, the file.\n\n"
      "Examples:\n"
      "  attend run model picture.png other.jpg\n"
      "  attend run model photos --json\n"
      "  attend run model --follow frames --alert 'fire frames=3'");
  verbs.push_back({verb, [options] { return run_pictures(*options); }});
}

}  // namespace attend::cli::image_classify
