#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

/// What sets of pictures in files share.
namespace attend::data {

/// What is in a folder but names that begin with a dot, in the order of the bytes of the names. Throws Error
/// when it cannot be read.
std::vector<std::filesystem::path> entries_of(const std::filesystem::path& folder);

bool is_folder(const std::filesystem::path& path);
bool is_file(const std::filesystem::path& path);

/// Throws Error unless the names are all different.
void check_classes(const std::vector<std::string>& classes);

/// Throws Error unless 0 <= i < size.
void check_picture(std::int64_t i, std::int64_t size);

/// For each of `size` pictures the message of the Error that reading it throws, empty where it throws none;
/// on all threads.
std::vector<std::string> reading_errors(std::int64_t size, const std::function<void(std::int64_t)>& read);

}  // namespace attend::data
