#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "attend/task/answer.h"
#include "cli/checks.h"
#include "cli/encoder_options.h"
#include "cli/output.h"
#include "cli/task_verbs.h"
#include "cli/training_options.h"

namespace attend::cli::answer {

namespace {

using task::AnswerOptions;

struct TrainOptions : EncoderVerb {
  std::string data, valid, preset;
  std::vector<std::string> columns;
  bool skip_bad = false;
  std::shared_ptr<Overrides<AnswerOptions>> model = std::make_shared<Overrides<AnswerOptions>>();
};

using Shared = std::shared_ptr<TrainOptions>;

void add_data_options(CLI::App* verb, const Shared& options) {
  verb->add_option(
          "--data", options->data,
          "Questions: SQuAD's JSON (*.json), or a table (.tsv, .tab, .csv) of question, text, answer "
          "and, if need be, the character where it starts")
      ->option_text("FILE")
      ->group(kFilesGroup)
      ->check(path());
  verb->add_option("--valid", options->valid,
                   "Questions to choose weights and the threshold of 'no answer' by (default: the last 10 %, "
                   "about texts of their own)")
      ->option_text("FILE")
      ->group(kFilesGroup)
      ->check(path());
  verb->add_option("--columns", options->columns,
                   "Names of the columns of question, text and answer (default: a table without header)")
      ->option_text("QUESTION TEXT ANSWER [START]")
      ->expected(3, 4)
      ->group(kFilesGroup);
  verb->add_flag("--skip-bad", options->skip_bad, "Count bad records and leave them out")->group(kFilesGroup);
  add_model_folder(verb, options);
  add_start_options(verb, options);
}

void add_model_options(CLI::App* verb, const Shared& options) {
  const auto& given = options->model;
  add_tokenizer_options(verb, given);
  add_override<std::int64_t>(
      verb, given, "--stride", "N", kModelGroup, whole_number(1, 1 << 24),
      [](AnswerOptions & o) -> auto& { return o.stride; },
      "Tokens of a long text from the start of one window to that of the next");
  add_override<std::int64_t>(
      verb, given, "--longest-answer", "N", kModelGroup, whole_number(1, 1 << 20),
      [](AnswerOptions & o) -> auto& { return o.longest_answer; }, "Most tokens of an answer");
  add_override<double>(
      verb, given, "--token-dropout", "X", kModelGroup, number(0, 0.999),
      [](AnswerOptions & o) -> auto& { return o.token_dropout; }, "Part of the tokens hidden in training");
  add_encoder_options<AnswerOptions>(
      {verb, given, &AnswerOptions::model, &model::encoder_config_from_json}, 8,
      "Tokens of a window, question included; longer texts are read in overlapping windows");
}

int train(const CLI::App& verb, const TrainOptions& options) {
  task::AnswerConfig config;
  const auto file = [&](const std::string& path) {
    return task::QuestionFile{path, options.columns, options.skip_bad};
  };
  const int code = show_training(verb, options, [&](const task::TrainingPlace& place) {
    config = task::train_answer({place, file(options.data), file(options.valid),
                                 resolve(verb, options, task::answer_preset(options.preset), *options.model,
                                         task::read_answer_config)});
    return config.results.value();
  });
  if (config.scores)
    print(fmt::format("  exact match {:.2f} %, F1 {:.2f} %{}\n", config.scores->exact, config.scores->f1,
                      config.no_answer ? fmt::format("; no answer above {:.4f}", *config.no_answer) : ""));
  return code;
}

}  // namespace

void add_train(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb =
      parent.add_subcommand(task, "Learn to find the part of a text that answers a question (encoder)");
  auto options = std::make_shared<TrainOptions>();
  add_data_options(verb, options);
  const std::string about = add_presets(verb, options->preset, task::answer_presets());
  add_model_options(verb, options);
  add_training_options(verb, options, "Windows at once");
  verb->footer(
      "Presets:" + about +
      "\n\nA question without an answer (empty, or 'is_impossible' in JSON) teaches to give none. The "
      "weights "
      "with the\nlowest loss on the validation questions are kept. Ctrl-C saves and leaves with code 130.\n\n"
      "Examples:\n"
      "  attend train answer --data train.json --valid dev.json --out model\n"
      "  attend train answer --data questions.tsv --out model --minutes 20");
  verbs.push_back({verb, [verb, options] { return train(*verb, *options); }});
}

}  // namespace attend::cli::answer
