#pragma once

#include <filesystem>

#include "attend/task/generate.h"

namespace attend::task {

/// Replaces config.json as a whole.
void write_generate_config(const std::filesystem::path& folder, const GenerateConfig& config);

}  // namespace attend::task
