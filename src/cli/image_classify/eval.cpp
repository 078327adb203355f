#include <CLI/CLI.hpp>
#include <memory>

#include "attend/task/picture_classifier.h"
#include "cli/checks.h"
#include "cli/program.h"
#include "cli/show_classes.h"
#include "cli/task_verbs.h"

namespace attend::cli::image_classify {

namespace {

int evaluate(const ClassEvalOptions& options) {
  use_threads(options);
  check_class_output(options);
  const task::PictureClassifier model(options.model, options.precision);
  show_classes("image-classify", model.evaluate(options.data, options.skip_bad), options);
  return kSuccess;
}

}  // namespace

void add_eval(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Measure how well a model tells classes of pictures");
  auto options = std::make_shared<ClassEvalOptions>();
  add_model_argument(verb, options);
  verb->add_option("--data", options->data,
                   "Pictures by class, as for training; of a folder of IDX files, those to test on (t10k)")
      ->option_text("FOLDER|FILE (required)")
      ->required()
      ->check(path());
  verb->add_flag("--skip-bad", options->skip_bad, "Count and skip pictures that cannot be read");
  add_class_output(verb, options);
  add_machine_options(verb, options);
  verb->footer(
      "Accuracy, top-5 accuracy, macro-F1, calibration error (15 bins), a table of classes and a confusion "
      "matrix.\n\n"
      "Example:\n"
      "  attend eval model --data /usr/share/datasets/fashion-mnist --out confusion.html");
  verbs.push_back({verb, [options] { return evaluate(*options); }});
}

}  // namespace attend::cli::image_classify
