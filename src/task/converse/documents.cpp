#include "task/converse/documents.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "attend/base/error.h"
#include "attend/data/text.h"
#include "attend/explain/word_scores.h"

namespace attend::task {

namespace fs = std::filesystem;

namespace {

bool is_text(const fs::path& path) {
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return extension == ".txt" || extension == ".text" || extension == ".md";
}

/// In the order of their paths, hidden ones left out.
std::vector<fs::path> text_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  auto entry = fs::recursive_directory_iterator(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    const bool hidden = entry->path().filename().string().starts_with('.');
    if (entry->is_directory() && hidden) entry.disable_recursion_pending();
    if (entry->is_regular_file() && !hidden && is_text(entry->path())) files.push_back(entry->path());
  }
  if (error) throw Error(fmt::format("{}: {}", folder.string(), error.message()));
  std::ranges::sort(files);
  if (files.empty())
    throw Error(fmt::format("{}: no file named *.txt, *.text or *.md in it", folder.string()));
  return files;
}

void add_paragraphs(const std::string& text, const std::string& document, std::vector<Paragraph>& all) {
  std::istringstream lines(text);
  std::string paragraph;
  const auto finish = [&] {
    if (!paragraph.empty()) all.push_back({document, paragraph});
    paragraph.clear();
  };
  for (std::string line; std::getline(lines, line);) {
    const auto words = explain::words_of(line);
    if (words.empty()) finish();
    for (const auto& word : words) {
      if (!paragraph.empty()) paragraph += ' ';
      paragraph.append(line, word.begin, word.end - word.begin);
    }
  }
  finish();
}

}  // namespace

std::vector<Paragraph> read_paragraphs(const fs::path& path) {
  std::vector<Paragraph> all;
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    for (const fs::path& file : text_files(path))
      add_paragraphs(data::read_text(file), file.lexically_relative(path).string(), all);
  } else {
    add_paragraphs(data::read_text(path), path.filename().string(), all);
  }
  if (all.empty()) throw Error(fmt::format("{}: no paragraph in it", path.string()));
  return all;
}

}  // namespace attend::task
