#pragma once

#include <filesystem>

#include "attend/task/search.h"

namespace attend::task {

/// Replaces config.json.
void write_search_config(const std::filesystem::path& folder, const SearchConfig& config);

}  // namespace attend::task
