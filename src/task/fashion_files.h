#pragma once

#include <filesystem>
#include <string>
#include <vector>

/// Fashion-MNIST (Xiao et al., 2017) as a Debian package holds it.
namespace attend::task {

inline constexpr const char* kFashionPackage = "dataset-fashion-mnist";

/// The folder of the IDX files in the unpacked package `files`. Throws Error naming one that is missing.
std::filesystem::path fashion_files(const std::filesystem::path& files);

/// The names of the files of pictures and of labels of a part, "train" or "t10k".
std::string fashion_pictures_file(const std::string& part);
std::string fashion_labels_file(const std::string& part);

/// The names of the classes 0 to 9.
const std::vector<std::string>& fashion_classes();

}  // namespace attend::task
