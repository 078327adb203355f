#include "data/picture_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "attend/base/error.h"
#include "attend/base/parallel.h"

namespace attend::data {

namespace fs = std::filesystem;

bool is_picture_name(const fs::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return extension == ".png" || extension == ".jpg" || extension == ".jpeg";
}

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> entries;
  for (fs::directory_iterator i(folder, error), end; !error && i != end; i.increment(error))
    if (!i->path().filename().string().starts_with('.')) entries.push_back(i->path());
  if (error) throw Error(fmt::format("cannot read {}: {}", folder.string(), error.message()));
  std::sort(entries.begin(), entries.end(),
            [](const fs::path& a, const fs::path& b) { return a.native() < b.native(); });
  return entries;
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

void check_classes(const std::vector<std::string>& classes) {
  const std::set<std::string> different(classes.begin(), classes.end());
  if (different.size() == classes.size()) return;
  throw Error(fmt::format("the {} names of classes are not all different", classes.size()));
}

void check_picture(std::int64_t i, std::int64_t size) {
  if (i >= 0 && i < size) return;
  throw Error(fmt::format("picture {} of a set of {}; expected a number from 0 to {}", i, size, size - 1));
}

std::vector<std::int64_t> readable_items(std::int64_t size, const std::function<void(std::int64_t)>& decode,
                                         SkippedRecords& skipped) {
  std::vector<std::string> reasons(static_cast<std::size_t>(size));
  parallel_for(size, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      try {
        decode(i);
      } catch (const Error& error) {
        reasons[static_cast<std::size_t>(i)] = error.what();
      }
    }
  });
  std::vector<std::int64_t> readable;
  for (std::int64_t i = 0; i < size; ++i) {
    const std::string& reason = reasons[static_cast<std::size_t>(i)];
    if (reason.empty())
      readable.push_back(i);
    else if (skipped.count++ == 0)
      skipped.first = reason;
  }
  return readable;
}

}  // namespace attend::data
