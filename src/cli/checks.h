#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

/// Checks of option values whose messages say what was given and what is accepted.
namespace attend::cli {

/// A whole number in [least, most].
CLI::Validator whole_number(std::int64_t least, std::int64_t most = INT64_MAX);

/// A finite number in [least, most].
CLI::Validator number(double least, double most = 1e300);

/// Any text but the empty one.
CLI::Validator path();

/// One of these words.
CLI::Validator one_of(std::vector<std::string> words);

}  // namespace attend::cli
