#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace attend::io {

/// The content of a file, decompressed if gzip compressed it. Throws Error naming the path and the reason
/// when it is missing, a folder, unreadable, cut short or damaged, or its content is longer than `max_bytes`.
std::string read_gzip_file(const std::filesystem::path& path, std::size_t max_bytes);

}  // namespace attend::io
