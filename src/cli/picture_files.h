#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "attend/io/image.h"

namespace attend::cli {

/// The files that are given, and the pictures (*.png, *.jpg, *.jpeg) in the folders that are, by name. Throws
/// Error for a folder without any.
std::vector<std::filesystem::path> picture_files(const std::vector<std::string>& paths);

/// Throws Error when two pictures, whose files are told apart by their names without folder and ending, would
/// have the same `written` ("mask") in --out.
void check_stems(const std::vector<std::filesystem::path>& files, const std::string& written);

/// Calls visit(file, picture) for each. A file that cannot be read is an Error, or counted with `skip_bad`,
/// and their number printed as a note.
void for_each_picture(
    const std::vector<std::filesystem::path>& files, bool skip_bad,
    const std::function<void(const std::filesystem::path& file, const io::Image& picture)>& visit);

/// Writes the bytes of a picture's file as a whole.
void write_picture(const std::filesystem::path& path, const std::vector<std::byte>& bytes);

}  // namespace attend::cli
