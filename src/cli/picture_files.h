#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace attend::cli {

/// The files that are given, and the pictures (*.png, *.jpg, *.jpeg) in the folders that are, by name. Throws
/// Error for a folder without any.
std::vector<std::filesystem::path> picture_files(const std::vector<std::string>& paths);

}  // namespace attend::cli
