#pragma once

#include <filesystem>

#include "attend/task/tag.h"

namespace attend::task {

/// Replaces config.json.
void write_tag_config(const std::filesystem::path& folder, const TagConfig& config);

}  // namespace attend::task
