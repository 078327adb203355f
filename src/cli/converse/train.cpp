#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "attend/task/converse.h"
#include "cli/checks.h"
#include "cli/encoder_options.h"
#include "cli/output.h"
#include "cli/pair_options.h"
#include "cli/task_verbs.h"
#include "cli/training_options.h"

namespace attend::cli::converse {

namespace {

using task::SearchOptions;

struct TrainOptions : EncoderVerb, PairOptions {
  std::string preset, documents;
  bool generate = false;
  std::int64_t generator_steps = 0;
  std::shared_ptr<Overrides<SearchOptions>> model = std::make_shared<Overrides<SearchOptions>>();
};

using Shared = std::shared_ptr<TrainOptions>;

void add_options(CLI::App* verb, const Shared& options) {
  verb->add_option(
          "--documents", options->documents,
          "Texts whose paragraphs are replies, too: a file, or a folder of .txt, .text and .md files")
      ->option_text("PATH")
      ->group(kFilesGroup)
      ->check(path());
  verb->add_flag(
          "--generate", options->generate,
          "Train an encoder-decoder that writes answers, too (preset tiny of 'attend train translate')")
      ->group(kFilesGroup);
  verb->add_option("--generator-steps", options->generator_steps, "Updates of the generator")
      ->option_text("N")
      ->group(kFilesGroup)
      ->check(whole_number(1));
}

/// The options of the search, which is a model of its own in the folder.
SearchOptions search_of(const CLI::App& verb, const TrainOptions& options) {
  EncoderVerb search = static_cast<const EncoderVerb&>(options);
  search.out = (std::filesystem::path(options.out) / "search").string();
  return resolve(verb, search, task::search_preset(options.preset), *options.model, task::read_search_config);
}

/// The generator takes the seed and the precision of the search.
task::TextToTextOptions generator_of(const TrainOptions& options, const SearchOptions& search) {
  task::TextToTextOptions result = task::text_to_text_preset("tiny");
  const auto folder = std::filesystem::path(options.out) / "generator";
  if (options.resume && std::filesystem::exists(folder / "config.json")) {
    const auto begun = task::read_text_to_text_config(folder);
    if (begun.training) result = *begun.training;
  } else {
    result.seed = search.seed;
    result.precision = search.precision;
  }
  if (options.generator_steps > 0) result.steps = options.generator_steps;
  return result;
}

int train(const CLI::App& verb, const TrainOptions& options) {
  task::ConverseConfig config;
  const int code = show_training(verb, options, [&](const task::TrainingPlace& place) {
    const SearchOptions search = search_of(verb, options);
    const task::ConverseJob job{place,
                                files_of(options.data, options),
                                files_of(options.valid, options),
                                options.documents,
                                search,
                                options.generate,
                                generator_of(options, search)};
    config = task::train_converse(job);
    return config.results.value();
  });
  if (config.answers > 0)
    print(fmt::format("  {} answers, {} paragraphs{}\n", config.answers, config.paragraphs,
                      config.generates ? ", a generator" : ""));
  return code;
}

}  // namespace

void add_train(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Learn to reply to questions (search, and generator)");
  auto options = std::make_shared<TrainOptions>();
  add_pair_options(verb, options);
  add_model_folder(verb, options);
  add_start_options(verb, options);
  add_options(verb, options);
  const std::string about = add_presets(verb, options->preset, task::search_presets());
  add_tokenizer_options(verb, options->model);
  add_encoder_options<SearchOptions>(
      {verb, options->model, &SearchOptions::model, &model::encoder_config_from_json}, 2,
      "Most tokens of a text; longer ones are cut");
  add_training_options(verb, options, "Pairs at once; each has the others as negatives");
  verb->footer(
      "Presets:" + about +
      "\n\nEach pair is a question and its answer. What is trained is a model of the task search, to find "
      "the "
      "answer that\nfits, and with --generate one that writes. Ctrl-C saves and leaves with code 130.\n\n"
      "Examples:\n"
      "  attend train converse --data service.tsv --out agent\n"
      "  attend train converse --data service.tsv --documents manuals --generate --out agent");
  verbs.push_back({verb, [verb, options] { return train(*verb, *options); }});
}

}  // namespace attend::cli::converse
