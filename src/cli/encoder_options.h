#pragma once

#include <cstdint>

#include "attend/model/encoder_config.h"
#include "cli/model_options.h"

namespace attend::cli {

/// The options of an encoder that all tasks with one share.
template <class Options>
void add_encoder_options(const ModelOptions<Options, model::EncoderConfig>& options,
                         std::int64_t least_context, const char* about_context) {
  using model::EncoderConfig;
  options.whole("--layers", &EncoderConfig::layers, 1, 10000, "Transformer blocks");
  options.whole("--heads", &EncoderConfig::heads, 1, 65536, "Attention heads; they divide --dim");
  options.whole("--key-heads", &EncoderConfig::key_heads, 0, 65536,
                "Heads of keys and values; they divide --heads (0: all)");
  options.whole("--dim", &EncoderConfig::dim, 1, 1 << 20, "Features of a token");
  options.whole("--feed-forward", &EncoderConfig::feed_forward, 0, 1 << 24,
                "Features inside a feed-forward layer (0: by --dim)");
  options.whole("--context", &EncoderConfig::context, least_context, 1 << 24, about_context);
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

}  // namespace attend::cli
