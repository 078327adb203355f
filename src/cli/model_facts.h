#pragma once

#include <filesystem>

namespace attend::cli {

/// `attend info DIR`: what is in a model folder. Returns the exit code.
int show_model(const std::filesystem::path& folder, bool json);

}  // namespace attend::cli
