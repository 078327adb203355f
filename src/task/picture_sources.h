#pragma once

#include <filesystem>
#include <string>
#include <vector>

/// What tasks of pictures find out about the files they are given.
namespace attend::task {

/// *.csv, *.tsv or *.tab.
bool is_table(const std::filesystem::path& path);

/// The lines of classes.txt in a folder that are not empty; none when there is no such file.
std::vector<std::string> class_names_in(const std::filesystem::path& folder);

}  // namespace attend::task
