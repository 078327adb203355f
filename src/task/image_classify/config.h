#pragma once

#include <filesystem>

#include "attend/task/image_classify.h"

namespace attend::task {

/// Writes what read_image_classify_config() reads.
void write_image_classify_config(const std::filesystem::path& folder, const ImageClassifyConfig& config);

}  // namespace attend::task
