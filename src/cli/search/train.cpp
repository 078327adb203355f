#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "attend/task/search.h"
#include "cli/checks.h"
#include "cli/encoder_options.h"
#include "cli/output.h"
#include "cli/pair_options.h"
#include "cli/task_verbs.h"
#include "cli/training_options.h"

namespace attend::cli::search {

namespace {

using task::SearchOptions;

struct TrainOptions : EncoderVerb, PairOptions {
  std::string preset;
  std::shared_ptr<Overrides<SearchOptions>> model = std::make_shared<Overrides<SearchOptions>>();
};

using Shared = std::shared_ptr<TrainOptions>;

void add_model_options(CLI::App* verb, const Shared& options) {
  const auto& given = options->model;
  add_override<std::string>(
      verb, given, "--pooling", "KIND", kModelGroup, one_of({"first", "mean", "attention"}),
      [](SearchOptions & o) -> auto& { return o.pooling; },
      "How the tokens make one vector: first, mean, attention");
  add_override<double>(
      verb, given, "--temperature", "X", kModelGroup, number(1e-3, 100),
      [](SearchOptions & o) -> auto& { return o.temperature; },
      "What similarities are divided by in the loss; the smaller, the more the hardest negatives count");
  add_override<double>(
      verb, given, "--token-dropout", "X", kModelGroup, number(0, 0.999),
      [](SearchOptions & o) -> auto& { return o.token_dropout; }, "Part of the tokens hidden in training");
  add_encoder_options(verb, given, 2, "Most tokens of a text; longer ones are cut");
}

int train(const CLI::App& verb, const TrainOptions& options) {
  task::SearchConfig config;
  const int code = show_training(verb, options, [&](const task::TrainingPlace& place) {
    config = task::train_search({place, files_of(options.data, options), files_of(options.valid, options),
                                 resolve(verb, options, task::search_preset(options.preset), *options.model,
                                         task::read_search_config)});
    return config.results.value();
  });
  if (config.scores)
    print(fmt::format("  recall@1 {:.4f}, recall@10 {:.4f}, MRR {:.4f} of {} candidates\n",
                      config.scores->recall_1, config.scores->recall_10, config.scores->mean_reciprocal_rank,
                      config.scores->candidates));
  return code;
}

}  // namespace

void add_train(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Learn which texts belong together (encoder)");
  auto options = std::make_shared<TrainOptions>();
  add_pair_options(verb, options);
  add_model_folder(verb, options);
  add_start_options(verb, options);
  const std::string about = add_presets(verb, options->preset, task::search_presets());
  add_model_options(verb, options);
  add_training_options(verb, options, "Pairs at once; each has the others as negatives");
  verb->footer(
      "Presets:" + about +
      "\n\nEach pair is a query and a text that answers it. The weights with the lowest loss on the held-out "
      "pairs are\nkept. Ctrl-C saves and leaves with code 130.\n\n"
      "Examples:\n"
      "  attend train search --data pairs.tsv --out model\n"
      "  attend train search --data pairs.csv --columns question answer --out model --minutes 10");
  verbs.push_back({verb, [verb, options] { return train(*verb, *options); }});
}

}  // namespace attend::cli::search
