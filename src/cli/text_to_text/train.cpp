#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "attend/base/error.h"
#include "attend/task/text_to_text.h"
#include "cli/checks.h"
#include "cli/model_options.h"
#include "cli/pair_options.h"
#include "cli/task_verbs.h"
#include "cli/training_options.h"

namespace attend::cli::text_to_text {

namespace {

using model::EncoderDecoderKind;
using model::RnnDecoder;
using model::RnnSeq2SeqConfig;
using model::Seq2SeqConfig;
using task::TextToTextOptions;

struct TrainOptions : TrainingVerb, PairOptions {
  std::string task, preset, kind = "transformer";
  std::shared_ptr<Overrides<TextToTextOptions>> model = std::make_shared<Overrides<TextToTextOptions>>();
};

using Shared = std::shared_ptr<TrainOptions>;
using Given = std::shared_ptr<Overrides<TextToTextOptions>>;

template <class T>
auto set_both(T Seq2SeqConfig::*transformer, T RnnSeq2SeqConfig::*rnn, const T& value) {
  return [transformer, rnn, value](TextToTextOptions& o) {
    o.model.transformer.*transformer = value;
    o.model.rnn.*rnn = value;
  };
}

/// Options that both kinds of model have.
void add_common_options(CLI::App* verb, const Given& given) {
  const auto add = [&]<class T>(const char* name, const char* value, const CLI::Validator& check,
                                T Seq2SeqConfig::*transformer, T RnnSeq2SeqConfig::*rnn,
                                const char* description) {
    verb->add_option_function<T>(
            name,
            [given, transformer, rnn](const T& found) {
              given->emplace_back(set_both(transformer, rnn, found));
            },
            description)
        ->option_text(value)
        ->group(kModelGroup)
        ->check(check);
  };
  const auto truth = [&](const char* name, bool Seq2SeqConfig::*transformer, bool RnnSeq2SeqConfig::*rnn,
                         const char* description) {
    verb->add_flag_function(
            name,
            [given, transformer, rnn](std::int64_t count) {
              given->emplace_back(set_both(transformer, rnn, count > 0));
            },
            description)
        ->multi_option_policy(CLI::MultiOptionPolicy::Throw)
        ->group(kModelGroup);
  };
  using Seq2Seq = Seq2SeqConfig;
  using Rnn = RnnSeq2SeqConfig;
  truth("--shared,!--no-shared", &Seq2Seq::shared_vocabulary, &Rnn::shared_vocabulary,
        "One vocabulary and table for both sides, or one for each");
  truth("--tied,!--no-tied", &Seq2Seq::tied_embeddings, &Rnn::tied_embeddings,
        "One table for the target's input and output embedding, or two");
  add("--encoder-layers", "N", whole_number(1, 10000), &Seq2Seq::encoder_layers, &Rnn::encoder_layers,
      "Layers that read");
  add("--decoder-layers", "N", whole_number(1, 10000), &Seq2Seq::decoder_layers, &Rnn::decoder_layers,
      "Layers that write");
  add("--heads", "N", whole_number(1, 65536), &Seq2Seq::heads, &Rnn::heads,
      "Attention heads; they divide --dim, or --hidden of an rnn");
  add("--dim", "N", whole_number(1, 1 << 20), &Seq2Seq::dim, &Rnn::dim, "Features of a token");
  add("--context", "N", whole_number(1, 1 << 24), &Seq2Seq::context, &Rnn::context,
      "Most tokens of either side; longer pairs are left out");
  add("--dropout", "X", number(0, 0.999), &Seq2Seq::dropout, &Rnn::dropout,
      "Part of the activations dropped in training");
}

constexpr const char* kTransformerOptions[] = {
    "--key-heads", "--feed-forward", "--encoder-attention", "--decoder-attention", "--cross-attention",
    "--positions", "--norm",         "--post-norm",         "--activation"};
constexpr const char* kRnnOptions[] = {"--cell", "--hidden", "--attention", "--decoder"};

Seq2SeqConfig& transformer_of(TextToTextOptions& options) {
  return options.model.transformer;
}
RnnSeq2SeqConfig& rnn_of(TextToTextOptions& options) {
  return options.model.rnn;
}

void add_transformer_options(CLI::App* verb, const Given& given) {
  const ModelOptions<TextToTextOptions, Seq2SeqConfig> model{verb, given, transformer_of,
                                                             &model::seq2seq_config_from_json};
  model.whole("--key-heads", &Seq2SeqConfig::key_heads, 0, 65536,
              "Heads of keys and values; they divide --heads (0: all)");
  model.whole("--feed-forward", &Seq2SeqConfig::feed_forward, 0, 1 << 24,
              "Features inside a feed-forward layer (0: by --dim)");
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
}

void add_rnn_options(CLI::App* verb, const Given& given) {
  const ModelOptions<TextToTextOptions, RnnSeq2SeqConfig> model{verb, given, rnn_of,
                                                                &model::rnn_seq2seq_config_from_json};
  model.choice("--cell", "cell", {"gru", "lstm"}, &RnnSeq2SeqConfig::cell, "Cell of an rnn");
  model.whole("--hidden", &RnnSeq2SeqConfig::hidden, 2, 1 << 20, "Units of an rnn's state; even");
  // By an author's name it stands for his decoder too; --decoder comes later, and so has the last word.
  verb->add_option_function<std::string>(
          "--attention",
          [given](const std::string& name) {
            given->emplace_back([name](TextToTextOptions& o) {
              o.model.rnn.attention = name;
              if (name.starts_with("bahdanau")) o.model.rnn.decoder = RnnDecoder::bahdanau;
              if (name.starts_with("luong")) o.model.rnn.decoder = RnnDecoder::luong;
            });
          },
          "What an rnn looks at its source by: one of 'attend attention' without places; bahdanau and "
          "luong_* stand for their --decoder too")
      ->option_text("NAME")
      ->group(kModelGroup)
      ->check(mechanism_for(&RnnSeq2SeqConfig::attention));
  model.choice("--decoder", "decoder", {"bahdanau", "luong"}, &RnnSeq2SeqConfig::decoder,
               "An rnn looks before its step, or after it");
}

void add_model_options(CLI::App* verb, const Shared& options) {
  verb->add_option("--model", options->kind,
                   "transformer, or rnn: recurrent encoder and decoder with attention between them")
      ->option_text("KIND")
      ->group(kModelGroup)
      ->check(one_of({"transformer", "rnn"}));
  add_tokenizer_options(verb, options->model);
  add_common_options(verb, options->model);
  add_transformer_options(verb, options->model);
  add_rnn_options(verb, options->model);
}

/// Options of the other kind of model would change nothing.
void check_kind(const CLI::App& verb, bool is_rnn) {
  const auto refuse = [&](const char* option) {
    if (verb.count(option) > 0)
      throw Error(fmt::format("{}: a model of the kind {} has no such thing; without it or with --model {}",
                              option, is_rnn ? "rnn" : "transformer", is_rnn ? "transformer" : "rnn"));
  };
  if (is_rnn)
    for (const char* option : kTransformerOptions) refuse(option);
  else
    for (const char* option : kRnnOptions) refuse(option);
}

TextToTextOptions resolve(const CLI::App& verb, const TrainOptions& options) {
  const EncoderDecoderKind kind =
      options.kind == "rnn" ? EncoderDecoderKind::rnn : EncoderDecoderKind::transformer;
  TextToTextOptions result = task::text_to_text_preset(options.preset, kind);
  if (resumes(options)) {
    const task::TextToTextConfig begun = task::read_text_to_text_config(options.out);
    if (begun.training) result = *begun.training;
    if (verb.count("--model") > 0) result.model.kind = kind;
  }
  check_kind(verb, result.model.is_rnn());
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

void add_train(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  const bool translates = std::string_view(task) == "translate";
  CLI::App* verb = parent.add_subcommand(
      task, translates ? "Learn to translate (encoder-decoder)" : "Learn to summarise (encoder-decoder)");
  auto options = std::make_shared<TrainOptions>();
  options->task = task;
  add_pair_options(verb, options);
  add_model_folder(verb, options);
  const std::string about = add_presets(verb, options->preset, task::text_to_text_presets());
  add_model_options(verb, options);
  add_training_options(verb, options, "Tokens of a side at once, padding included");
  verb->footer(fmt::format(
      "Presets:{}\n\nThe weights with the lowest loss on the held-out pairs are kept. Ctrl-C saves and "
      "leaves with code 130.\n\n"
      "Examples:\n"
      "  attend train {} --data pairs.tsv --out model\n"
      "  attend train {} --data train.en train.de --valid val.en val.de --out model --minutes 30\n"
      "  attend train {} --data pairs.tsv --out model --model rnn --attention luong_general",
      about, task, task, task));
  verbs.push_back({verb, [verb, options] { return train(*verb, *options); }});
}

}  // namespace attend::cli::text_to_text
