#pragma once

#include <CLI/CLI.hpp>

#include "attend/task/text_to_text_model.h"

namespace attend::cli::text_to_text {

inline constexpr const char* kWritingGroup = "Writing";

/// The options that say how hypotheses are searched for.
void add_write_options(CLI::App* verb, task::WriteOptions& options);

}  // namespace attend::cli::text_to_text
