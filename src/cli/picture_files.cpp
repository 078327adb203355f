#include "cli/picture_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "attend/base/error.h"
#include "attend/io/file.h"
#include "attend/io/folder_watch.h"
#include "cli/checks.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/program.h"
#include "data/picture_files.h"

namespace attend::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::milliseconds kWait(200);

std::vector<fs::path> files_of(const PictureInput& input) {
  if (input.pictures.empty()) throw Error("no picture is given: FILE, FOLDER or --follow FOLDER is needed");
  std::vector<fs::path> files;
  for (const fs::path path : input.pictures) {
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

int follow_pictures(const std::string& folder,
                    const std::function<void(const fs::path& file, const io::Image& picture)>& visit) {
  const InterruptFlag interrupt;
  io::FolderWatch watch(folder);
  while (!interrupt.raised()) {
    const auto file = watch.next(kWait);
    if (!file || !data::is_picture_name(*file)) continue;
    io::Image picture;
    try {
      picture = io::read_image(*file);
    } catch (const Error& error) {
      // A file that is still being written comes again when it is whole.
      print_note(fmt::format("left out: {}", error.what()));
      continue;
    }
    visit(*file, picture);
  }
  return kInterrupted;
}

}  // namespace

void add_picture_input(CLI::App* verb, PictureInput& input) {
  CLI::Option* pictures =
      verb->add_option("picture", input.pictures, "Pictures (PNG, JPEG), or folders of them")
          ->option_text("[FILE|FOLDER...]");
  verb->add_option("--follow", input.follow,
                   "Read the pictures of this folder, and each that arrives there, until Ctrl-C")
      ->option_text("FOLDER")
      ->excludes(pictures)
      ->check(path());
  verb->add_flag("--skip-bad", input.skip_bad, "Count and skip pictures that cannot be read");
}

void check_stems(const PictureInput& input, const std::string& written) {
  if (!input.follow.empty()) return;
  std::map<std::string, fs::path> taken;
  for (const fs::path& file : files_of(input))
    if (const auto [first, is_new] = taken.emplace(file.stem().string(), file); !is_new)
      throw Error(fmt::format("--out: {} and {} would have the same {}; different names needed",
                              first->second.string(), file.string(), written));
}

int for_each_picture(const PictureInput& input,
                     const std::function<void(const fs::path& file, const io::Image& picture)>& visit) {
  if (!input.follow.empty()) return follow_pictures(input.follow, visit);
  std::int64_t skipped = 0;
  for (const fs::path& file : files_of(input)) {
    io::Image picture;
    try {
      picture = io::read_image(file);
    } catch (const Error&) {
      if (!input.skip_bad) throw;
      ++skipped;
      continue;
    }
    visit(file, picture);
  }
  if (skipped > 0)
    print_note(
        fmt::format("{} {} that cannot be read skipped", skipped, skipped == 1 ? "picture" : "pictures"));
  return kSuccess;
}

void write_picture(const fs::path& path, const std::vector<std::byte>& bytes) {
  io::write_file_atomically(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace attend::cli
