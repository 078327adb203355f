#pragma once

#include <filesystem>

#include "attend/task/pretrain.h"

namespace attend::task {

/// Replaces config.json.
void write_pretrain_config(const std::filesystem::path& folder, const PretrainConfig& config);

}  // namespace attend::task
