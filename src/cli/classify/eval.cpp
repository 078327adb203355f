#include <CLI/CLI.hpp>
#include <memory>

#include "attend/task/text_classifier.h"
#include "cli/checks.h"
#include "cli/program.h"
#include "cli/show_classes.h"
#include "cli/task_verbs.h"
#include "cli/texts.h"

namespace attend::cli::classify {

namespace {

int evaluate(const ClassEvalOptions& options) {
  use_threads(options);
  check_class_output(options);
  const task::TextClassifier model(options.model, options.precision);
  show_classes("classify", model.evaluate(options.data, reading(options.skip_bad)), options);
  return kSuccess;
}

}  // namespace

void add_eval(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Measure how well a model tells labels");
  auto options = std::make_shared<ClassEvalOptions>();
  add_model_argument(verb, options);
  verb->add_option("--data", options->data, "Texts with labels, in columns of the names it was trained with")
      ->option_text("FILE (required)")
      ->required()
      ->check(path());
  verb->add_flag("--skip-bad", options->skip_bad, "Count and skip bad records, unknown labels among them");
  add_class_output(verb, options);
  add_machine_options(verb, options);
  verb->footer(
      "Accuracy, macro-F1 (over the classes that occur), calibration error (15 bins), a table of classes and "
      "a\n"
      "confusion matrix for each column.\n\n"
      "Example:\n"
      "  attend eval model --data test.csv --out confusion.html");
  verbs.push_back({verb, [options] { return evaluate(*options); }});
}

}  // namespace attend::cli::classify
