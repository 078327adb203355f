#pragma once

#include <filesystem>

namespace attend::cli::generate {

/// `attend info DIR`.
int show_model(const std::filesystem::path& folder, bool json);

}  // namespace attend::cli::generate
