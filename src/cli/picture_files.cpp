#include "cli/picture_files.h"

#include <fmt/format.h>

#include <algorithm>

#include "attend/base/error.h"
#include "data/picture_files.h"

namespace attend::cli {

namespace fs = std::filesystem;

std::vector<fs::path> picture_files(const std::vector<std::string>& paths) {
  std::vector<fs::path> files;
  for (const fs::path path : paths) {
    if (!fs::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(path))
      if (entry.is_regular_file() && data::is_picture_name(entry.path())) found.push_back(entry.path());
    if (found.empty())
      throw Error(fmt::format("{}: no picture in this folder (*.png, *.jpg, *.jpeg)", path.string()));
    std::ranges::sort(found);
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

}  // namespace attend::cli
