#include "attend/data/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <vector>

#include "attend/base/error.h"
#include "attend/io/file.h"
#include "data/utf8.h"

namespace attend::data {
namespace {

namespace fs = std::filesystem;

bool is_text_name(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension == ".txt" || extension == ".text" || extension == ".md";
}

bool is_hidden(const fs::path& path) {
  return path.filename().string().starts_with('.');
}

/// Sorted by path; links to folders are not followed, so there are no loops.
std::vector<fs::path> text_files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  auto entry = fs::recursive_directory_iterator(folder, error);
  while (!error && entry != fs::recursive_directory_iterator()) {
    if (is_hidden(entry->path())) {
      entry.disable_recursion_pending();
    } else if (is_text_name(entry->path())) {
      std::error_code broken_link;
      if (entry->is_regular_file(broken_link)) files.push_back(entry->path());
    }
    entry.increment(error);
  }
  if (error) throw Error(fmt::format("cannot read {}: {}", folder.string(), error.message()));
  std::sort(files.begin(), files.end());
  return files;
}

void append_file(const fs::path& path, const TextOptions& options, std::string& text) {
  std::string content = io::read_file(path);
  if (options.require_utf8) {
    require_utf8(content, path.string());
    if (content.starts_with("\xef\xbb\xbf")) content.erase(0, 3);
  }
  if (text.empty()) {
    text = std::move(content);
    return;
  }
  if (!content.empty() && text.back() != '\n') text += '\n';
  text += content;
}

}  // namespace

std::string read_text(const fs::path& path, const TextOptions& options) {
  std::string text;
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) {
    append_file(path, options, text);
    if (text.empty()) throw Error(fmt::format("{} is empty", path.string()));
    return text;
  }
  const std::vector<fs::path> files = text_files_in(path);
  if (files.empty()) {
    throw Error(fmt::format("{} holds no text: no file in it is named *.txt, *.text or *.md", path.string()));
  }
  for (const fs::path& file : files) append_file(file, options, text);
  if (text.empty())
    throw Error(fmt::format("all {} text files in {} are empty", files.size(), path.string()));
  return text;
}

}  // namespace attend::data
