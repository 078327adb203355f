#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "attend/task/tag.h"
#include "cli/checks.h"
#include "cli/encoder_options.h"
#include "cli/output.h"
#include "cli/task_verbs.h"
#include "cli/training_options.h"

namespace attend::cli::tag {

namespace {

using task::TagOptions;

struct TrainOptions : EncoderVerb {
  std::string data, validation, preset;
  std::shared_ptr<Overrides<TagOptions>> model = std::make_shared<Overrides<TagOptions>>();
};

using Shared = std::shared_ptr<TrainOptions>;

void add_data_options(CLI::App* verb, const Shared& options) {
  verb->add_option("--data", options->data,
                   "Tagged sentences, a word a line: CoNLL, CoNLL-U (*.conllu), numbered IOB2 (*.iob2)")
      ->option_text("FILE")
      ->group(kFilesGroup)
      ->check(path());
  verb->add_option("--valid", options->validation,
                   "Sentences to choose the weights by (default: the last 10 %)")
      ->option_text("FILE")
      ->group(kFilesGroup)
      ->check(path());
  add_override<std::string>(
      verb, options->model, "--format", "NAME", kFilesGroup, one_of({"auto", "conll", "conllu", "iob2"}),
      [](TagOptions & o) -> auto& { return o.format; },
      "How the data is written: auto (by its name), conll, conllu, iob2");
  add_override<std::int64_t>(
      verb, options->model, "--tag-column", "N", kFilesGroup, whole_number(-1000, 1000),
      [](TagOptions & o) -> auto& { return o.tag_column; },
      "Column of the tag, from 1, or backwards from -1 (default: the format's own)");
  verb->add_flag_function(
          "--skip-bad",
          [given = options->model](std::int64_t) {
            given->emplace_back([](TagOptions& o) { o.skip_bad = true; });
          },
          "Count and skip bad records instead of ending at the first")
      ->group(kFilesGroup);
}

void add_model_options(CLI::App* verb, const Shared& options) {
  const auto& given = options->model;
  add_override<std::string>(
      verb, given, "--head", "KIND", kModelGroup, one_of({"crf", "softmax"}),
      [](TagOptions & o) -> auto& { return o.head; },
      "crf: the best sequence of tags; softmax: each word for itself");
  add_override<std::int64_t>(
      verb, given, "--char-cnn", "N", kModelGroup, whole_number(0, 1 << 16),
      [](TagOptions & o) -> auto& { return o.char_cnn; },
      "Filters of a convolution over the characters of each word (0: none)");
  add_override<double>(
      verb, given, "--token-dropout", "X", kModelGroup, number(0, 0.999),
      [](TagOptions & o) -> auto& { return o.token_dropout; }, "Part of the tokens hidden in training");
  add_override<std::string>(
      verb, given, "--monitor", "NAME", kRunGroup, one_of({"auto", "f1", "accuracy", "loss"}),
      [](TagOptions & o) -> auto& { return o.monitor; },
      "What weights are chosen by: f1 of spans, accuracy, loss; auto: f1 if tags mark spans");
  add_encoder_options(verb, given, 2, "Most tokens read at once; longer sentences in parts");
}

int train_tag(const CLI::App& verb, const TrainOptions& options) {
  task::TagConfig config;
  const int code = show_training(verb, options, [&](const task::TrainingPlace& place) {
    config = task::train_tag(
        {place, options.data, options.validation,
         resolve(verb, options, task::tag_preset(options.preset), *options.model, task::read_tag_config)});
    return config.results.value();
  });
  if (config.scores) {
    print(fmt::format("  words with the right tag {:.4f}", config.scores->accuracy));
    print(config.scores->span_f1 > 0 ? fmt::format(", F1 of spans {:.4f}\n", config.scores->span_f1) : "\n");
  }
  return code;
}

}  // namespace

void add_train(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Learn tags of words (encoder)");
  auto options = std::make_shared<TrainOptions>();
  add_data_options(verb, options);
  add_model_folder(verb, options);
  add_start_options(verb, options);
  const std::string about = add_presets(verb, options->preset, task::tag_presets());
  add_model_options(verb, options);
  add_training_options(verb, options, "Sentences at once");
  verb->footer("Presets:" + about +
               "\n\nThe weights that did best by --monitor on the validation sentences are kept.\n"
               "Ctrl-C saves and leaves with code 130.\n\n"
               "Examples:\n"
               "  attend train tag --data train.conllu --valid dev.conllu --out model\n"
               "  attend train tag --data train.txt --tag-column 4 --out names --minutes 5");
  verbs.push_back({verb, [verb, options] { return train_tag(*verb, *options); }});
}

}  // namespace attend::cli::tag
