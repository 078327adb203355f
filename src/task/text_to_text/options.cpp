#include <fmt/format.h>

#include "attend/base/error.h"
#include "io/printable.h"
#include "task/text_to_text/fields.h"

namespace attend::task {

namespace {

/// The Transformer-Tiny of Wu et al., "Lite Transformer with Long-Short Range Attention" and later work on
/// Multi30k: small data wants a small model and much dropout.
TextToTextOptions tiny() {
  TextToTextOptions options;
  options.preset = "tiny";
  options.model.transformer = {.shared_vocabulary = true,
                               .context = 256,
                               .encoder_layers = 4,
                               .decoder_layers = 4,
                               .heads = 4,
                               .dim = 128,
                               .feed_forward = 256,
                               .dropout = 0.3};
  options.batch = 4096;
  options.steps = 8000;
  options.learning_rate = 5e-3;
  options.minimum_learning_rate = 0;
  options.warmup = 1000;
  options.beta2 = 0.98;
  options.weight_decay = 1e-4;
  options.label_smoothing = 0.1;
  options.evaluate_every = 500;
  return options;
}

TextToTextOptions small() {
  TextToTextOptions options = tiny();
  options.preset = "small";
  options.model.transformer.encoder_layers = options.model.transformer.decoder_layers = 3;
  options.model.transformer.dim = 256;
  options.model.transformer.feed_forward = 1024;
  options.steps = 20000;
  options.learning_rate = 2e-3;
  return options;
}

TextToTextOptions base() {
  TextToTextOptions options = tiny();
  options.preset = "base";
  options.model.transformer = {.shared_vocabulary = true, .context = 512};
  options.tokenizer.vocabulary = 32000;
  options.batch = 8192;
  options.accumulate = 3;
  options.steps = 100000;
  options.learning_rate = 7e-4;
  options.warmup = 4000;
  options.schedule = "inverse-sqrt";
  options.evaluate_every = 2000;
  return options;
}

/// The model of Bahdanau et al. in the size of such data.
TextToTextOptions rnn_tiny() {
  TextToTextOptions options = tiny();
  options.model.kind = model::EncoderDecoderKind::rnn;
  options.model.rnn = {.shared_vocabulary = true, .dim = 256, .hidden = 256, .dropout = 0.3};
  options.learning_rate = 2e-3;
  options.warmup = 200;
  options.clip = 1;
  return options;
}

TextToTextOptions rnn_small() {
  TextToTextOptions options = rnn_tiny();
  options.preset = "small";
  options.model.rnn.hidden = 512;
  options.model.rnn.heads = 2;
  options.steps = 20000;
  options.learning_rate = 1e-3;
  return options;
}

TextToTextOptions rnn_base() {
  TextToTextOptions options = base();
  options.model.kind = model::EncoderDecoderKind::rnn;
  options.model.rnn = {.shared_vocabulary = true,
                       .context = 512,
                       .cell = op::RecurrentCell::lstm,
                       .encoder_layers = 2,
                       .decoder_layers = 2,
                       .dim = 512,
                       .hidden = 1024,
                       .heads = 4};
  options.clip = 1;
  return options;
}

struct Entry {
  TextToTextPreset description;
  TextToTextOptions (*make)();
  TextToTextOptions (*make_rnn)();
};

const std::vector<Entry>& entries() {
  static const std::vector<Entry> all = {
      {{"tiny", "tens of thousands of pairs: 4 + 4 layers of 128, or 1 + 1 recurrent ones of 256"},
       tiny,
       rnn_tiny},
      {{"small", "hundreds of thousands of pairs: 3 + 3 layers of 256, or 1 + 1 recurrent ones of 512"},
       small,
       rnn_small},
      {{"base",
        "the base model of Vaswani et al.: 6 + 6 layers of 512, or 2 + 2 recurrent ones of 1024, for many "
        "cores and "
        "millions of pairs"},
       base,
       rnn_base},
  };
  return all;
}

}  // namespace

const std::vector<TextToTextPreset>& text_to_text_presets() {
  static const std::vector<TextToTextPreset> all = [] {
    std::vector<TextToTextPreset> list;
    for (const Entry& entry : entries()) list.push_back(entry.description);
    return list;
  }();
  return all;
}

TextToTextOptions text_to_text_preset(std::string_view name, model::EncoderDecoderKind kind) {
  std::vector<std::string> names;
  for (const Entry& entry : entries()) {
    if (entry.description.name == name)
      return kind == model::EncoderDecoderKind::rnn ? entry.make_rnn() : entry.make();
    names.push_back(entry.description.name);
  }
  throw Error(fmt::format("preset {}: {} are accepted", io::printable(name), fmt::join(names, ", ")));
}

void validate(const TextToTextOptions& options) {
  check_ranges(options);
  model::validate(options.model);
  check_limits(options);
}

}  // namespace attend::task
