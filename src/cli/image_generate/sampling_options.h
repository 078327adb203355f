#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "attend/task/picture_generator.h"
#include "cli/use_options.h"

namespace attend::cli::image_generate {

/// What run, eval and see of this task take.
struct SamplingOptions : UseOptions {
  std::uint64_t seed = 1;
  double temperature = 1;
};

/// --seed and --temperature.
void add_sampling_options(CLI::App* verb, const std::shared_ptr<SamplingOptions>& options);

task::PictureSampling sampling_of(const SamplingOptions& options);

/// The number of a class by its name. Throws Error naming those there are, or saying that this model cannot
/// be asked for one.
std::int64_t label_of(const task::PictureGenerator& model, const std::string& name);

}  // namespace attend::cli::image_generate
