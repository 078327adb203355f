#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "attend/model/encoder_config.h"
#include "attend/task/encoder_start.h"
#include "cli/model_options.h"

/// What `attend train TASK` has in common for all tasks whose model is an encoder.
namespace attend::cli {

struct EncoderVerb : TrainingVerb {
  std::string init, word_vectors;
};

/// --init and --word-vectors.
inline void add_start_options(CLI::App* verb, const std::shared_ptr<EncoderVerb>& shared) {
  verb->add_option("--init", shared->init,
                   "Start from the encoder in a model folder: its tokenizer, shape and weights")
      ->option_text("DIR")
      ->group(kFilesGroup)
      ->check(path());
  verb->add_option("--word-vectors", shared->word_vectors,
                   "Embeddings of tokens that are words start as these (word2vec text or binary, GloVe)")
      ->option_text("FILE")
      ->group(kFilesGroup)
      ->check(path());
}

/// Every option of the encoder; `context` says what becomes of longer texts.
template <class Options>
void add_encoder_options(const ModelOptions<Options, model::EncoderConfig>& options,
                         std::int64_t least_context, const char* context) {
  using model::EncoderConfig;
  options.whole("--layers", &EncoderConfig::layers, 1, 10000, "Transformer blocks");
  options.whole("--heads", &EncoderConfig::heads, 1, 65536, "Attention heads; they divide --dim");
  options.whole("--key-heads", &EncoderConfig::key_heads, 0, 65536,
                "Heads of keys and values; they divide --heads (0: all)");
  options.whole("--dim", &EncoderConfig::dim, 1, 1 << 20, "Features of a token");
  options.whole("--feed-forward", &EncoderConfig::feed_forward, 0, 1 << 24,
                "Features inside a feed-forward layer (0: by --dim)");
  options.whole("--context", &EncoderConfig::context, least_context, 1 << 24, context);
  options.word("--attention", mechanism_for(&EncoderConfig::attention), &EncoderConfig::attention,
               "What the heads do: scaled_dot, or another of 'attend attention' that looks both ways");
  options.choice("--positions", "positions", {"learned", "sinusoidal", "rotary"}, &EncoderConfig::positions,
                 "Positions");
  options.choice("--norm", "norm", {"layer", "rms"}, &EncoderConfig::norm, "Norm");
  options.choice("--activation", "activation",
                 {"gelu", "gelu_tanh", "relu", "silu", "swiglu", "geglu", "reglu"},
                 &EncoderConfig::activation, "Activation");
  options.truth("--post-norm,!--no-post-norm", &EncoderConfig::post_norm,
                "Norms behind the branches, as in BERT, or before them");
  options.truth("--bias,!--no-bias", &EncoderConfig::bias, "Linear layers and layer norms with biases");
  options.real("--dropout", &EncoderConfig::dropout, 0, 0.999, "Part of the activations dropped in training");
}

/// The tokenizer, too.
template <class Options>
void add_encoder_options(CLI::App* verb, const std::shared_ptr<Overrides<Options>>& given,
                         std::int64_t least_context, const char* context) {
  add_tokenizer_options(verb, given, {"char", "byte", "bpe", "unigram", "word"});
  add_encoder_options<Options>({verb, given, &Options::model, &model::encoder_config_from_json},
                               least_context, context);
}

/// The options of this run: those of the preset, or those a resumed training began with, or the preset's with
/// the encoder of --init; and over them what was given. `read_config` reads config.json of the task.
template <class Options, class ReadConfig>
Options resolve(const CLI::App& verb, const EncoderVerb& shared, Options preset,
                const Overrides<Options>& given, ReadConfig read_config) {
  Options result = std::move(preset);
  if (resumes(shared)) {
    const auto begun = read_config(std::filesystem::path(shared.out));
    if (begun.training) result = *begun.training;
    if (!shared.init.empty()) result.start.init = shared.init;
  } else if (!shared.init.empty()) {
    task::start_from(result, shared.init);
  }
  if (!shared.word_vectors.empty()) result.start.word_vectors = shared.word_vectors;
  apply(shared, verb, result);
  for (const auto& set : given) set(result);
  return result;
}

}  // namespace attend::cli
