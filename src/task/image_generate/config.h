#pragma once

#include <filesystem>

#include "attend/task/image_generate.h"

namespace attend::task {

/// Writes what read_image_generate_config() reads.
void write_image_generate_config(const std::filesystem::path& folder, const ImageGenerateConfig& config);

}  // namespace attend::task
