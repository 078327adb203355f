#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "attend/base/error.h"
#include "attend/base/version.h"
#include "attend/explain/terminal.h"
#include "attend/io/file.h"
#include "attend/task/picture_classifier.h"
#include "cli/checks.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/task_verbs.h"
#include "cli/use_options.h"

namespace attend::cli::image_classify {

namespace {

using Json = nlohmann::ordered_json;

struct EvalOptions : UseOptions {
  std::string data, out;
  bool skip_bad = false, json = false;
};

int evaluate(const EvalOptions& options) {
  use_threads(options);
  if (!options.out.empty() && !options.out.ends_with(".html"))
    throw Error(fmt::format("--out {}: a name that ends in .html is accepted", options.out));
  const task::PictureClassifier model(options.model, options.precision);
  const task::ClassifyEvaluation result = model.evaluate(options.data, options.skip_bad);
  if (!options.out.empty())
    io::write_file_atomically(options.out, task::to_html(result, options.model + " on " + options.data));
  if (options.json) {
    Json facts = {{"task", "image-classify"}};
    facts.update(Json::parse(task::to_json(result)));
    facts.update(Json{{"data", options.data},
                      {"model", options.model},
                      {"precision", options.precision},
                      {"version", version()}});
    print(facts.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
    return kSuccess;
  }
  print(task::to_terminal(result, explain::terminal_options(stdout_is_terminal(),
                                                            std::max(40, terminal_columns(STDOUT_FILENO)))));
  return kSuccess;
}

}  // namespace

void add_eval(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Measure how well a model tells classes of pictures");
  auto options = std::make_shared<EvalOptions>();
  add_model_argument(verb, options);
  verb->add_option("--data", options->data,
                   "Pictures by class, as for training; of a folder of IDX files, those to test on (t10k)")
      ->option_text("FOLDER|FILE (required)")
      ->required()
      ->check(path());
  verb->add_flag("--skip-bad", options->skip_bad, "Count and skip pictures that cannot be read");
  verb->add_flag("--json", options->json, "Print JSON, with everything that the numbers depend on");
  verb->add_option("--out", options->out, "A page with the table and the confusion matrix as well")
      ->option_text("FILE.html")
      ->check(path());
  add_machine_options(verb, options);
  verb->footer(
      "Accuracy, top-5 accuracy, macro-F1, calibration error (15 bins), a table of classes and a confusion "
      "matrix.\n\n"
      "Example:\n"
      "  attend eval model --data /usr/share/datasets/fashion-mnist --out confusion.html");
  verbs.push_back({verb, [options] { return evaluate(*options); }});
}

}  // namespace attend::cli::image_classify
