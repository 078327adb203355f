#include <fmt/format.h>

#include <algorithm>

#include "attend/data/text.h"
#include "data/utf8.h"
#include "task/dataset_content.h"
#include "task/package_files.h"

// Books that Debian packages hold.
namespace attend::task {
namespace {

namespace fs = std::filesystem;

/// The first file of this name below a folder, in the order of paths; empty when there is none.
fs::path find_file(const fs::path& folder, std::string_view name) {
  std::vector<fs::path> found;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    // A package may hold links to anywhere.
    if (entry.symlink_status().type() == fs::file_type::regular && entry.path().filename() == name)
      found.push_back(entry.path());
  }
  return found.empty() ? fs::path() : *std::ranges::min_element(found);
}

/// The start of the first paragraph at or behind a share of the text.
std::size_t paragraph_at(const std::string& text, double share) {
  const auto place = static_cast<std::size_t>(share * static_cast<double>(text.size()));
  const std::size_t gap = text.find("\n\n", place);
  return gap == std::string::npos ? text.size() : gap + 2;
}

std::int64_t count_characters(std::string_view text) {
  return std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
}

/// The book without what Project Gutenberg writes before and after it.
std::string without_frame(const std::string& text) {
  const auto line_behind = [&](std::string_view mark) {
    const std::size_t found = text.find(mark);
    return found == std::string::npos ? 0 : std::min(text.find('\n', found), text.size() - 1) + 1;
  };
  const std::size_t begin = line_behind("*** START OF");
  std::size_t end = text.size();
  for (const std::string_view mark :
       {"\nEnd of the Project Gutenberg", "\nEnd of Project Gutenberg", "\n*** END OF"})
    end = std::min(end, text.find(mark, begin));
  const std::size_t first = std::min(text.find_first_not_of('\n', begin), end);
  return text.substr(first, end - first);
}

}  // namespace

DatasetContent book_text(Apt& apt, const std::string& package, std::string_view file) {
  constexpr double kTrain = 0.85, kTrainAndValid = 0.90;
  const fs::path files = apt.unpacked(package);
  const fs::path path = find_file(files, file);
  if (path.empty()) fail_missing_file(package, std::string(file));
  std::string text = data::read_text(path);
  std::erase(text, '\r');
  text = without_frame(text);
  const std::size_t valid = paragraph_at(text, kTrain),
                    test = std::max(valid, paragraph_at(text, kTrainAndValid));
  DatasetContent content{
      .parts = {text.substr(0, valid), text.substr(valid, test - valid), text.substr(test)},
      .unit = "characters",
      .extension = ".txt",
      .origin =
          fmt::format("The file {} of the Debian package {}.", fs::relative(path, files).string(), package),
      .split =
          "The parts follow each other in the book: about 85 % train, 5 % valid, 10 % test, cut between "
          "paragraphs."};
  for (std::size_t i = 0; i < content.parts.size(); ++i)
    content.records[i] = count_characters(content.parts[i]);
  take_terms(content, apt, package, files);
  return content;
}

}  // namespace attend::task
