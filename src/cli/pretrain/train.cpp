#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "attend/task/pretrain.h"
#include "cli/checks.h"
#include "cli/encoder_options.h"
#include "cli/task_verbs.h"
#include "cli/training_options.h"

namespace attend::cli::pretrain {

namespace {

using task::PretrainOptions;

struct TrainOptions : EncoderVerb {
  std::string data, preset;
  std::shared_ptr<Overrides<PretrainOptions>> model = std::make_shared<Overrides<PretrainOptions>>();
};

using Shared = std::shared_ptr<TrainOptions>;

void add_model_options(CLI::App* verb, const Shared& options) {
  const auto& given = options->model;
  add_override<double>(
      verb, given, "--mask", "X", kModelGroup, number(0.001, 0.999),
      [](PretrainOptions & o) -> auto& { return o.mask_share; }, "Part of the tokens that are to be told");
  verb->add_flag_function(
          "--mask-words,!--mask-tokens",
          [given](std::int64_t count) {
            given->emplace_back([count](PretrainOptions& o) { o.mask_words = count > 0; });
          },
          "Hide whole words, or tokens each for itself")
      ->multi_option_policy(CLI::MultiOptionPolicy::Throw)
      ->group(kModelGroup);
  add_encoder_options(verb, given, 2, "Tokens of a row, its start mark included");
}

int train_pretrain(const CLI::App& verb, const TrainOptions& options) {
  return show_training(verb, options, [&](const task::TrainingPlace& place) {
    const task::PretrainJob job{place, options.data,
                                resolve(verb, options, task::pretrain_preset(options.preset), *options.model,
                                        task::read_pretrain_config)};
    return task::train_pretrain(job).results.value();
  });
}

}  // namespace

void add_train(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb =
      parent.add_subcommand(task, "Learn to tell hidden words, for other tasks to start from (encoder)");
  auto options = std::make_shared<TrainOptions>();
  verb->add_option("--data", options->data, "A text file, or a folder of .txt, .text and .md files")
      ->option_text("FILE|DIR")
      ->group(kFilesGroup)
      ->check(path());
  add_model_folder(verb, options);
  add_start_options(verb, options);
  const std::string about = add_presets(verb, options->preset, task::pretrain_presets());
  add_model_options(verb, options);
  add_training_options(verb, options, "Rows of text at once");
  verb->footer("Presets:" + about +
               "\n\nThe last 10 % of the text are for validation; the weights with the lowest loss of hidden "
               "tokens there are\nkept. Ctrl-C saves and leaves with code 130.\n\n"
               "Examples:\n"
               "  attend data debian-text --out text\n"
               "  attend train pretrain --data text --out encoder --minutes 12\n"
               "  attend train classify --init encoder --data reviews.csv --out model");
  verbs.push_back({verb, [verb, options] { return train_pretrain(*verb, *options); }});
}

}  // namespace attend::cli::pretrain
