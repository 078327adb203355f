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
  options.model = {.shared_vocabulary = true,
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
  options.model.encoder_layers = options.model.decoder_layers = 3;
  options.model.dim = 256;
  options.model.feed_forward = 1024;
  options.steps = 20000;
  options.learning_rate = 2e-3;
  return options;
}

TextToTextOptions base() {
  TextToTextOptions options = tiny();
  options.preset = "base";
  options.model = {.shared_vocabulary = true, .context = 512};
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

struct Entry {
  TextToTextPreset description;
  TextToTextOptions (*make)();
};

const std::vector<Entry>& entries() {
  static const std::vector<Entry> all = {
      {{"tiny", "tens of thousands of pairs: 4 + 4 layers of 128"}, tiny},
      {{"small", "hundreds of thousands of pairs: 3 + 3 layers of 256"}, small},
      {{"base",
        "the base model of Vaswani et al.: 6 + 6 layers of 512, for many cores and millions of pairs"},
       base},
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

TextToTextOptions text_to_text_preset(std::string_view name) {
  std::vector<std::string> names;
  for (const Entry& entry : entries()) {
    if (entry.description.name == name) return entry.make();
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
