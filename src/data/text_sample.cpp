#include "attend/data/text_sample.h"

namespace attend::data {

void TextSample::add(std::string_view line) {
  if (passed_++ % stride_ != 0) return;
  lines_.emplace_back(line);
  size_ += line.size() + 1;
  // One line is kept, however long.
  while (size_ > most_ && lines_.size() > 1) {
    std::size_t kept = 0;
    size_ = 0;
    for (std::size_t i = 0; i < lines_.size(); i += 2) {
      if (i != kept) lines_[kept] = std::move(lines_[i]);
      size_ += lines_[kept++].size() + 1;
    }
    lines_.resize(kept);
    stride_ *= 2;
  }
}

std::string TextSample::text() const {
  std::string text;
  text.reserve(size_);
  for (const std::string& line : lines_) {
    text += line;
    text += '\n';
  }
  return text;
}

}  // namespace attend::data
