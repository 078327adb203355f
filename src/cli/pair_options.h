#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "attend/task/pairs.h"

namespace attend::cli {

/// Where pairs of texts are, as it is given to a verb.
struct PairOptions {
  std::vector<std::string> data, valid, columns;
  bool skip_bad = false;
};

/// --data, --valid, --columns and --skip-bad of a training.
void add_pair_options(CLI::App* verb, const std::shared_ptr<PairOptions>& options);

/// --data (required), --columns and --skip-bad of a measurement.
void add_measured_pairs(CLI::App* verb, const std::shared_ptr<PairOptions>& options);

task::PairFiles files_of(const std::vector<std::string>& paths, const PairOptions& options);

}  // namespace attend::cli
