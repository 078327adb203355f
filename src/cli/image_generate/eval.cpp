#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "attend/task/picture_generator.h"
#include "cli/checks.h"
#include "cli/image_generate/sampling_options.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/task_verbs.h"

namespace attend::cli::image_generate {

namespace {

struct EvalOptions : SamplingOptions {
  std::string data, classifier;
  std::int64_t most = 5000;
  bool skip_bad = false, json = false;
};

int evaluate(const EvalOptions& options) {
  use_threads(options);
  const task::PictureGenerator model(options.model, options.precision);
  const task::PictureClassifier classifier(options.classifier);
  const task::GenerationEvaluation evaluation =
      model.evaluate(options.data, classifier,
                     {.most = options.most, .sampling = sampling_of(options), .skip_bad = options.skip_bad});
  print(options.json ? to_json(evaluation) : to_terminal(evaluation));
  return kSuccess;
}

}  // namespace

void add_eval(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Measure how good pictures of a model are");
  auto options = std::make_shared<EvalOptions>();
  add_model_argument(verb, options);
  verb->add_option(
          "--data", options->data,
          "Real pictures by class, as for training; of a folder of IDX files, those to test on (t10k)")
      ->option_text("FOLDER|FILE (required)")
      ->required()
      ->check(path());
  verb->add_option("--classifier", options->classifier, "A model of the task image-classify that knows them")
      ->option_text("DIR (required)")
      ->required()
      ->check(path());
  verb->add_option("--count", options->most, "Most pictures of each half of the data (default: 5000)")
      ->option_text("N")
      ->check(whole_number(1, 1'000'000));
  add_sampling_options(verb, options);
  verb->add_flag("--skip-bad", options->skip_bad, "Count and skip pictures that cannot be read");
  verb->add_flag("--json", options->json, "Print JSON");
  add_machine_options(verb, options);
  verb->footer(
      "The share of samples that the classifier takes for the class that was asked for, and the Frechet "
      "distance of samples\nto real pictures by the classifier's features; beside it, those of other real "
      "pictures and of a baseline without a network.\n\n"
      "Example:\n"
      "  attend eval model --data /usr/share/datasets/fashion-mnist --classifier fashion-classifier");
  verbs.push_back({verb, [options] { return evaluate(*options); }});
}

}  // namespace attend::cli::image_generate
