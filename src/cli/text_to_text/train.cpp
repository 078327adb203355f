#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "attend/task/text_to_text.h"
#include "cli/checks.h"
#include "cli/model_options.h"
#include "cli/pair_options.h"
#include "cli/text_to_text/verbs.h"
#include "cli/training_options.h"

namespace attend::cli {

namespace {

using model::Seq2SeqConfig;
using task::TextToTextOptions;

struct TrainOptions : TrainingVerb, PairOptions {
  std::string task, preset;
  std::shared_ptr<Overrides<TextToTextOptions>> model = std::make_shared<Overrides<TextToTextOptions>>();
};

using Shared = std::shared_ptr<TrainOptions>;

void add_model_options(CLI::App* verb, const Shared& options) {
  add_tokenizer_options(verb, options->model);
  const ModelOptions<TextToTextOptions, Seq2SeqConfig> model{verb, options->model, &TextToTextOptions::model,
                                                             &model::seq2seq_config_from_json};
  model.truth("--shared,!--no-shared", &Seq2SeqConfig::shared_vocabulary,
              "One vocabulary and table for both sides, or one for each");
  model.truth("--tied,!--no-tied", &Seq2SeqConfig::tied_embeddings,
              "One table for the target's input and output embedding, or two");
  model.whole("--encoder-layers", &Seq2SeqConfig::encoder_layers, 1, 10000, "Blocks that read");
  model.whole("--decoder-layers", &Seq2SeqConfig::decoder_layers, 1, 10000, "Blocks that write");
  model.whole("--heads", &Seq2SeqConfig::heads, 1, 65536, "Attention heads; they divide --dim");
  model.whole("--key-heads", &Seq2SeqConfig::key_heads, 0, 65536,
              "Heads of keys and values; they divide --heads (0: all)");
  model.whole("--dim", &Seq2SeqConfig::dim, 1, 1 << 20, "Features of a token");
  model.whole("--feed-forward", &Seq2SeqConfig::feed_forward, 0, 1 << 24,
              "Features inside a feed-forward layer (0: by --dim)");
  model.whole("--context", &Seq2SeqConfig::context, 1, 1 << 24,
              "Most tokens of either side; longer pairs are left out");
  model.word("--encoder-attention", mechanism_for(&Seq2SeqConfig::encoder_attention),
             &Seq2SeqConfig::encoder_attention, "What heads that read do: one of 'attend attention'");
  model.word("--decoder-attention", mechanism_for(&Seq2SeqConfig::decoder_attention),
             &Seq2SeqConfig::decoder_attention, "What heads that write do: a causal one of them");
  model.word("--cross-attention", mechanism_for(&Seq2SeqConfig::cross_attention),
             &Seq2SeqConfig::cross_attention, "What heads between the two do: one without places");
  model.choice("--positions", "positions", {"learned", "sinusoidal", "rotary"}, &Seq2SeqConfig::positions,
               "Positions");
  model.choice("--norm", "norm", {"layer", "rms"}, &Seq2SeqConfig::norm, "Norm");
  model.truth("--post-norm,!--pre-norm", &Seq2SeqConfig::post_norm,
              "Norms after the branches, as in the first paper, or before them");
  model.choice("--activation", "activation",
               {"gelu", "gelu_tanh", "relu", "silu", "swiglu", "geglu", "reglu"}, &Seq2SeqConfig::activation,
               "Activation");
  model.real("--dropout", &Seq2SeqConfig::dropout, 0, 0.999, "Part of the activations dropped in training");
}

TextToTextOptions resolve(const CLI::App& verb, const TrainOptions& options) {
  TextToTextOptions result = task::text_to_text_preset(options.preset);
  if (resumes(options)) {
    const task::TextToTextConfig begun = task::read_text_to_text_config(options.out);
    if (begun.training) result = *begun.training;
  }
  apply(options, verb, result);
  for (const auto& set : *options.model) set(result);
  return result;
}

int train(const CLI::App& verb, const TrainOptions& options) {
  return show_training(verb, options, [&](const task::TrainingPlace& place) {
    const task::TextToTextJob job{place, options.task, files_of(options.data, options),
                                  files_of(options.valid, options), resolve(verb, options)};
    return task::train_text_to_text(job).results.value();
  });
}

}  // namespace

void add_train_text_to_text(CLI::App& train_verb, const char* task, std::vector<Verb>& verbs) {
  const bool translates = std::string_view(task) == "translate";
  CLI::App* verb =
      train_verb.add_subcommand(task, translates ? "Learn to translate (encoder-decoder transformer)"
                                                 : "Learn to summarise (encoder-decoder transformer)");
  auto options = std::make_shared<TrainOptions>();
  options->task = task;
  add_pair_options(verb, options);
  add_model_folder(verb, options);
  const std::string about = add_presets(verb, options->preset, task::text_to_text_presets());
  add_model_options(verb, options);
  add_training_options(verb, options, "Tokens of a side at once, padding included");
  verb->footer(
      fmt::format("Presets:{}\n\nThe weights with the lowest loss on the held-out pairs are kept. Ctrl-C "
                  "saves and leaves with "
                  "code 130.\n\n"
                  "Examples:\n"
                  "  attend train {} --data pairs.tsv --out model\n"
                  "  attend train {} --data train.en train.de --valid val.en val.de --out model --minutes 30",
                  about, task, task));
  verbs.push_back({verb, [verb, options] { return train(*verb, *options); }});
}

}  // namespace attend::cli
