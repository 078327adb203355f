#pragma once

#include <filesystem>

#include "attend/task/text_to_text.h"

namespace attend::task {

/// Replaces config.json as a whole.
void write_text_to_text_config(const std::filesystem::path& folder, const TextToTextConfig& config);

}  // namespace attend::task
