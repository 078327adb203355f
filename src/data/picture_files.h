#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "attend/data/records.h"

/// What sets of pictures in files share.
namespace attend::data {

/// *.png, *.jpg or *.jpeg, in letters of any case.
bool is_picture_name(const std::filesystem::path& path);

/// What is in a folder but names that begin with a dot, in the order of the bytes of the names. Throws Error
/// naming the folder when it cannot be read.
std::vector<std::filesystem::path> entries_of(const std::filesystem::path& folder);

bool is_folder(const std::filesystem::path& path);
bool is_file(const std::filesystem::path& path);

/// Throws Error unless the names are all different.
void check_classes(const std::vector<std::string>& classes);

/// Throws Error unless 0 <= i < size.
void check_picture(std::int64_t i, std::int64_t size);

/// Calls `decode` for each of `size` items, on all threads. The items for which it does not throw Error, in
/// order; the others are counted.
std::vector<std::int64_t> readable_items(std::int64_t size, const std::function<void(std::int64_t)>& decode,
                                         SkippedRecords& skipped);

}  // namespace attend::data
