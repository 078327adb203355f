#pragma once

#include <CLI/CLI.hpp>

#include "cli/checks.h"

namespace attend::cli::detect {

/// --threshold.
inline void add_threshold(CLI::App* verb, double& threshold) {
  verb->add_option("--threshold", threshold, "Least score of an object, 0 to 1 (default: 0.5)")
      ->option_text("X")
      ->check(number(0, 1));
}

}  // namespace attend::cli::detect
