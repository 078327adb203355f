#pragma once

#include <filesystem>
#include <string>

namespace attend::data {

struct TextOptions {
  /// Whether the text must be UTF-8, as all tokenizers but "byte" need it.
  bool require_utf8 = true;
};

/// The text of a file, or of a folder: all its files named *.txt, *.text or *.md (in any case, in subfolders
/// too, hidden files and folders left out), in the order of their paths, one after the other, with a line
/// break between two files where the first does not end in one. A byte order mark at the start of a file is
/// dropped when UTF-8 is required.
///
/// Throws Error naming the path when it is missing, unreadable or empty, a folder without such files, or not
/// UTF-8 (with the line and the byte).
std::string read_text(const std::filesystem::path& path, const TextOptions& options = {});

}  // namespace attend::data
