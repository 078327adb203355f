#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace attend::task {

struct Paragraph {
  std::string document;  ///< the file, as seen from the folder
  std::string text;      ///< on one line
};

/// The paragraphs of a text file, or of those of a folder (as data::read_text has them), parted by empty
/// lines. Throws Error as data::read_text does, and when there is no paragraph.
std::vector<Paragraph> read_paragraphs(const std::filesystem::path& path);

}  // namespace attend::task
