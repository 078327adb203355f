#include "cli/image_generate/sampling_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "attend/base/error.h"
#include "cli/checks.h"
#include "io/printable.h"

namespace attend::cli::image_generate {

void add_sampling_options(CLI::App* verb, const std::shared_ptr<SamplingOptions>& options) {
  verb->add_option("--seed", options->seed, "Of the latent vectors (default: 1)")
      ->option_text("N")
      ->check(whole_number(0));
  verb->add_option("--temperature", options->temperature,
                   "Deviation of the latent vectors: below 1, pictures are more usual and more alike")
      ->option_text("X")
      ->check(number(0, 10));
}

task::PictureSampling sampling_of(const SamplingOptions& options) {
  return {.seed = options.seed, .temperature = options.temperature};
}

std::int64_t label_of(const task::PictureGenerator& model, const std::string& name) {
  if (!model.is_conditional())
    throw Error(fmt::format("--class {}: this model was trained without classes, none can be asked for",
                            io::printable(name)));
  const auto found = std::ranges::find(model.classes(), name);
  if (found != model.classes().end()) return found - model.classes().begin();
  std::vector<std::string> known;
  for (const std::string& known_name : model.classes()) known.push_back(io::printable(known_name));
  throw Error(fmt::format("--class {}: this model has {}", io::printable(name), fmt::join(known, ", ")));
}

}  // namespace attend::cli::image_generate
