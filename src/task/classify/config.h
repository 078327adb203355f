#pragma once

#include <filesystem>

#include "attend/task/classify.h"

namespace attend::task {

/// Replaces config.json.
void write_classify_config(const std::filesystem::path& folder, const ClassifyConfig& config);

}  // namespace attend::task
