#include "task/package_files.h"

#include <fmt/format.h>

#include "attend/base/error.h"

namespace attend::task {

namespace fs = std::filesystem;

fs::path package_file(const fs::path& files, const std::string& package, const std::string& name) {
  if (!fs::is_regular_file(files / name)) fail_missing_file(package, name);
  return files / name;
}

void fail_missing_file(const std::string& package, const std::string& name) {
  throw Error(
      fmt::format("the package {} has no file {}; another release of Debian may have it", package, name));
}

}  // namespace attend::task
