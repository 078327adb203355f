#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "attend/task/classify.h"
#include "cli/checks.h"
#include "cli/encoder_options.h"
#include "cli/output.h"
#include "cli/task_verbs.h"
#include "cli/training_options.h"
#include "io/printable.h"

namespace attend::cli::classify {

namespace {

using task::ClassifyOptions;

struct TrainOptions : EncoderVerb {
  std::string data, validation, preset;
  std::shared_ptr<Overrides<ClassifyOptions>> model = std::make_shared<Overrides<ClassifyOptions>>();
};

using Shared = std::shared_ptr<TrainOptions>;

void add_data_options(CLI::App* verb, const Shared& options) {
  verb->add_option("--data", options->data, "Texts with labels: *.csv, *.tsv, *.tab, *.jsonl, *.ndjson")
      ->option_text("FILE")
      ->group(kFilesGroup)
      ->check(path());
  verb->add_option("--valid", options->validation, "Texts to choose the weights by (default: the last 10 %)")
      ->option_text("FILE")
      ->group(kFilesGroup)
      ->check(path());
  add_override<std::string>(
      verb, options->model, "--text", "COLUMN", kFilesGroup, CLI::Validator(),
      [](ClassifyOptions & o) -> auto& { return o.text; }, "Column of the text (default: text)");
  verb->add_option_function<std::vector<std::string>>(
          "--label",
          [given = options->model](const std::vector<std::string>& labels) {
            given->emplace_back([labels](ClassifyOptions& o) { o.labels = labels; });
          },
          "Column of the label, or several that share one encoder (default: label)")
      ->delimiter(',')
      ->option_text("COLUMN[,COLUMN...]")
      ->group(kFilesGroup);
  const auto flag = [&](const char* name, bool ClassifyOptions::*member, bool value,
                        const char* description) {
    verb->add_flag_function(
            name,
            [given = options->model, member, value](std::int64_t) {
              given->emplace_back([member, value](ClassifyOptions& o) { o.*member = value; });
            },
            description)
        ->group(kFilesGroup);
  };
  flag("--no-header", &ClassifyOptions::header, false,
       "The first line of a table is data; columns are numbers from 1");
  flag("--skip-bad", &ClassifyOptions::skip_bad, true,
       "Count and skip bad records instead of ending at the first");
}

void add_model_options(CLI::App* verb, const Shared& options) {
  const auto& given = options->model;
  add_override<std::string>(
      verb, given, "--pooling", "KIND", kModelGroup, one_of({"first", "mean", "attention"}),
      [](ClassifyOptions & o) -> auto& { return o.pooling; },
      "How the tokens make one vector: first, mean, attention");
  verb->add_flag_function(
          "--bag-of-words,!--no-bag-of-words",
          [given](std::int64_t count) {
            given->emplace_back([count](ClassifyOptions& o) { o.bag_of_words = count > 0; });
          },
          "Read texts also as bags of words, wherever these stand")
      ->multi_option_policy(CLI::MultiOptionPolicy::Throw)
      ->group(kModelGroup);
  add_override<double>(
      verb, given, "--token-dropout", "X", kModelGroup, number(0, 0.999),
      [](ClassifyOptions & o) -> auto& { return o.token_dropout; }, "Part of the tokens hidden in training");
  add_override<std::string>(
      verb, given, "--monitor", "NAME", kRunGroup, one_of({"accuracy", "macro-f1", "loss"}),
      [](ClassifyOptions & o) -> auto& { return o.monitor; },
      "What weights are chosen by: accuracy, macro-f1, loss");
  add_encoder_options(verb, given, 1, "Most tokens of a text; longer ones are cut");
}

int train_classify(const CLI::App& verb, const TrainOptions& options) {
  task::ClassifyConfig config;
  const int code = show_training(verb, options, [&](const task::TrainingPlace& place) {
    config = task::train_classify({place, options.data, options.validation,
                                   resolve(verb, options, task::classify_preset(options.preset),
                                           *options.model, task::read_classify_config)});
    return config.results.value();
  });
  for (std::size_t i = 0; i < config.scores.size(); ++i)
    print(fmt::format("  {}: accuracy {:.4f}, macro-F1 {:.4f}\n", io::printable(config.columns[i].column()),
                      config.scores[i].accuracy, config.scores[i].macro_f1));
  return code;
}

}  // namespace

void add_train(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Learn labels of texts (encoder)");
  auto options = std::make_shared<TrainOptions>();
  add_data_options(verb, options);
  add_model_folder(verb, options);
  add_start_options(verb, options);
  const std::string about = add_presets(verb, options->preset, task::classify_presets());
  add_model_options(verb, options);
  add_training_options(verb, options, "Texts at once");
  verb->footer(
      "Presets:" + about +
      "\n\nThe weights that did best by --monitor on the validation texts are kept.\n"
      "Ctrl-C saves and leaves with code 130.\n\n"
      "Examples:\n"
      "  attend train classify --data reviews.csv --text review --label stars --out model\n"
      "  attend train classify --data posts.jsonl --label topic,sentiment --out model --minutes 5\n"
      "  attend train classify --data train.tsv --valid dev.tsv --no-header --text 1 --label 2 --out "
      "model");
  verbs.push_back({verb, [verb, options] { return train_classify(*verb, *options); }});
}

}  // namespace attend::cli::classify
