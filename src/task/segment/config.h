#pragma once

#include <filesystem>

#include "attend/task/segment.h"

namespace attend::task {

/// Writes what read_segment_config() reads.
void write_segment_config(const std::filesystem::path& folder, const SegmentConfig& config);

}  // namespace attend::task
