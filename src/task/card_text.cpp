#include "task/card_text.h"

#include <fmt/format.h>

#include <cmath>

#include "attend/backend/processor.h"
#include "attend/base/version.h"

namespace attend::task {

std::string card_table(const CardRows& rows) {
  std::string text = "| | |\n|---|---|\n";
  for (const auto& [name, value] : rows) text += fmt::format("| {} | {} |\n", name, value);
  return text;
}

std::string card_code(std::string_view text) {
  std::string result = "`";
  for (const char c : text) result += c == '`' || c == '|' || static_cast<unsigned char>(c) < 0x20 ? '?' : c;
  return result + "`";
}

std::string card_duration(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole < 60) return fmt::format("{:.1f} s", seconds);
  return fmt::format("{} min {} s", whole / 60, whole % 60);
}

std::string card_training(std::string_view command, const TrainingOptions& options, std::string_view batch) {
  return "\n## Training\n\n" +
         card_table({{"Command", card_code(command)},
                     {"Seed", fmt::format("{}", options.seed)},
                     {"Batch", fmt::format("{}, {} batches an update", batch, options.accumulate)},
                     {"Precision", options.precision},
                     {"Machine", fmt::format("{}, {} threads, kernels {}", processor().name,
                                             processor().threads, processor().kernels)},
                     {"Version", fmt::format("attend {}", version())}});
}

std::string card_start(const EncoderStart& start) {
  if (!start.init.empty()) return "the encoder in " + card_code(start.init);
  return start.word_vectors.empty() ? "random weights"
                                    : "the word vectors in " + card_code(start.word_vectors);
}

std::string card_start(const std::string& classifier) {
  return classifier.empty() ? "random weights" : "the classifier in " + card_code(classifier);
}

CardRows card_progress(const TrainingResults& results) {
  return {{"Updates", fmt::format("{} (ended by: {})", results.step, results.ended)},
          {"Time", card_duration(results.seconds)}};
}

}  // namespace attend::task
