#pragma once

#include <filesystem>

#include "attend/task/detect.h"

namespace attend::task {

/// Writes what read_detect_config() reads.
void write_detect_config(const std::filesystem::path& folder, const DetectConfig& config);

}  // namespace attend::task
