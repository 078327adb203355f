#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "attend/task/generate.h"
#include "cli/checks.h"
#include "cli/model_options.h"
#include "cli/task_verbs.h"
#include "cli/training_options.h"

namespace attend::cli::generate {

namespace {

using task::GenerateOptions;

struct TrainOptions : TrainingVerb {
  std::string data, preset;
  std::shared_ptr<Overrides<GenerateOptions>> model = std::make_shared<Overrides<GenerateOptions>>();
};

using Shared = std::shared_ptr<TrainOptions>;

void add_model_options(CLI::App* verb, const Shared& options) {
  using model::GptConfig;
  add_tokenizer_options(verb, options->model);
  const ModelOptions<GenerateOptions, GptConfig> model{verb, options->model, &GenerateOptions::model,
                                                       &model::gpt_config_from_json};
  model.whole("--layers", &GptConfig::layers, 1, 10000, "Transformer blocks");
  model.whole("--heads", &GptConfig::heads, 1, 65536, "Attention heads; they divide --dim");
  model.whole("--key-heads", &GptConfig::key_heads, 0, 65536,
              "Heads of keys and values; they divide --heads (0: all)");
  model.whole("--dim", &GptConfig::dim, 1, 1 << 20, "Features of a token");
  model.whole("--feed-forward", &GptConfig::feed_forward, 0, 1 << 24,
              "Features inside a feed-forward layer (0: by --dim)");
  model.whole("--context", &GptConfig::context, 1, 1 << 24, "Most tokens the model sees at once");
  model.word("--attention", mechanism_for(&GptConfig::attention), &GptConfig::attention,
             "What the heads do: scaled_dot, or another causal one of 'attend attention'");
  model.choice("--positions", "positions", {"learned", "sinusoidal", "rotary"}, &GptConfig::positions,
               "Positions");
  model.choice("--norm", "norm", {"layer", "rms"}, &GptConfig::norm, "Norm");
  model.choice("--activation", "activation",
               {"gelu", "gelu_tanh", "relu", "silu", "swiglu", "geglu", "reglu"}, &GptConfig::activation,
               "Activation");
  model.truth("--tied,!--no-tied", &GptConfig::tied_embeddings,
              "One table for input and output embedding, or two");
  model.truth("--bias,!--no-bias", &GptConfig::bias, "Linear layers and layer norms with biases");
  model.real("--dropout", &GptConfig::dropout, 0, 0.999, "Part of the activations dropped in training");
}

/// The options of this run: those of the preset, or those a resumed training began with, and over them what
/// was given.
GenerateOptions resolve(const CLI::App& verb, const TrainOptions& options) {
  GenerateOptions result = task::generate_preset(options.preset);
  if (resumes(options)) {
    const task::GenerateConfig begun = task::read_generate_config(options.out);
    if (begun.training) result = *begun.training;
  }
  apply(options, verb, result);
  for (const auto& set : *options.model) set(result);
  return result;
}

int train_generate(const CLI::App& verb, const TrainOptions& options) {
  return show_training(verb, options, [&](const task::TrainingPlace& place) {
    const task::GenerateJob job{place, options.data, resolve(verb, options)};
    return task::train_generate(job).results.value();
  });
}

}  // namespace

void add_train(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Learn to go on with a text (GPT decoder)");
  auto options = std::make_shared<TrainOptions>();
  verb->add_option("--data", options->data, "A text file, or a folder of .txt, .text and .md files")
      ->option_text("FILE|DIR")
      ->group(kFilesGroup)
      ->check(path());
  add_model_folder(verb, options);
  const std::string about = add_presets(verb, options->preset, task::generate_presets());
  add_model_options(verb, options);
  add_training_options(verb, options, "Windows of text at once");
  verb->footer("Presets:" + about +
               "\n\nThe last 10 % of the text are for validation; the weights with the lowest validation "
               "loss are kept.\n"
               "Ctrl-C saves and leaves with code 130.\n\n"
               "Examples:\n"
               "  attend train generate --data book.txt --out model --minutes 2\n"
               "  attend train generate --data book.txt --out model --resume --minutes 5\n"
               "  attend train generate --data texts/ --out words --tokenizer bpe --vocab 4096 --layers 6 "
               "--dim 256 --heads 8");
  verbs.push_back({verb, [verb, options] { return train_generate(*verb, *options); }});
}

}  // namespace attend::cli::generate
