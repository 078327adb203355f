#include "cli/picture_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "attend/base/error.h"
#include "attend/io/file.h"
#include "cli/output.h"
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

void check_stems(const std::vector<fs::path>& files, const std::string& written) {
  std::map<std::string, fs::path> taken;
  for (const fs::path& file : files)
    if (const auto [first, is_new] = taken.emplace(file.stem().string(), file); !is_new)
      throw Error(fmt::format("--out: {} and {} would have the same {}; different names needed",
                              first->second.string(), file.string(), written));
}

void for_each_picture(const std::vector<fs::path>& files, bool skip_bad,
                      const std::function<void(const fs::path& file, const io::Image& picture)>& visit) {
  std::int64_t skipped = 0;
  for (const fs::path& file : files) {
    io::Image picture;
    try {
      picture = io::read_image(file);
    } catch (const Error&) {
      if (!skip_bad) throw;
      ++skipped;
      continue;
    }
    visit(file, picture);
  }
  if (skipped > 0) print_note(fmt::format("{} pictures that cannot be read skipped", skipped));
}

void write_picture(const fs::path& path, const std::vector<std::byte>& bytes) {
  io::write_file_atomically(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace attend::cli
