#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "attend/io/image.h"

namespace attend::cli {

/// The pictures that `attend run` is to read.
struct PictureInput {
  std::vector<std::string> pictures;  ///< files, and folders of them
  std::string follow;                 ///< a folder where they arrive
  bool skip_bad = false;
};

/// The arguments and options of these, --follow and --skip-bad. `input` is to live as long as `verb`.
void add_picture_input(CLI::App* verb, PictureInput& input);

/// Throws Error when two of the pictures, whose files are told apart by their names without folder and
/// ending, would have the same `written` ("mask") in --out. A picture of a followed folder takes the place of
/// an earlier one.
void check_stems(const PictureInput& input, const std::string& written);

/// Calls visit(file, picture) for each: files as they are given, the pictures of a folder (*.png, *.jpg,
/// *.jpeg) by name, and of a followed folder as they arrive, until Ctrl-C. A file that cannot be read is an
/// Error, or counted with `skip_bad` and their number printed as a note; of a followed folder, it is a note.
/// Returns the exit code. Throws Error where no picture is given, and for a folder without any.
int for_each_picture(
    const PictureInput& input,
    const std::function<void(const std::filesystem::path& file, const io::Image& picture)>& visit);

/// Writes the bytes of a picture's file as a whole.
void write_picture(const std::filesystem::path& path, const std::vector<std::byte>& bytes);

}  // namespace attend::cli
