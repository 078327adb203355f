#pragma once

#include <filesystem>
#include <string>

namespace attend::task {

/// The path of a file in the folder `files` of an unpacked Debian package; `name` may begin with folders.
/// Throws Error naming package and file when it is not there.
std::filesystem::path package_file(const std::filesystem::path& files, const std::string& package,
                                   const std::string& name);

/// That error.
[[noreturn]] void fail_missing_file(const std::string& package, const std::string& name);

}  // namespace attend::task
