#include "attend/data/word_vectors.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string_view>

#include "attend/base/error.h"
#include "attend/io/input_file.h"
#include "data/record_messages.h"
#include "data/utf8.h"
#include "io/printable.h"

namespace attend::data {

static_assert(std::endian::native == std::endian::little, "word2vec's floats are little-endian");

namespace {

constexpr std::int64_t kLargestDim = 1 << 16;

bool is_space(char c) {
  return c == ' ' || c == '\t';
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return text;
}

/// Takes the last column off a line.
std::string_view take_last(std::string_view& line) {
  line = trimmed(line);
  std::size_t begin = line.size();
  while (begin > 0 && !is_space(line[begin - 1])) --begin;
  const std::string_view column = line.substr(begin);
  line = trimmed(line.substr(0, begin));
  return column;
}

std::int64_t count_columns(std::string_view line) {
  std::int64_t count = 0;
  while (!line.empty()) {
    if (take_last(line).empty()) break;
    ++count;
  }
  return count;
}

template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct Header {
  std::int64_t count, dim;
};

std::optional<Header> header_of(std::string_view line) {
  const auto dim = number_of<std::int64_t>(take_last(line)), count = number_of<std::int64_t>(take_last(line));
  if (!line.empty() || !dim || !count || *dim < 1 || *count < 0) return std::nullopt;
  return Header{*count, *dim};
}

std::string checked_word(std::string_view word) {
  if (word.empty()) throw BadRecord("an empty word; expected one");
  if (find_invalid_utf8(word) != std::string_view::npos) throw BadRecord("the word is not UTF-8");
  return std::string(word);
}

}  // namespace

/// The words behind the first line of a binary file.
class WordVectorReader::Binary {
 public:
  Binary(const std::filesystem::path& path, std::int64_t dim, std::size_t longest)
      : file_(path), bytes_(static_cast<std::size_t>(dim) * sizeof(float)), longest_(longest) {
    while (!at_end() && take() != '\n') {
    }
  }

  /// Whether what follows looks like text: a word and numbers in digits.
  bool looks_like_text() {
    fill(longest_ + bytes_);
    const std::string_view ahead(buffer_.data() + begin_, std::min(end_ - begin_, longest_ + bytes_));
    const std::size_t word = ahead.find(' ');
    if (word == std::string_view::npos) return true;
    const std::string_view numbers = ahead.substr(word, bytes_ + 1);
    return std::ranges::all_of(numbers.substr(0, numbers.find('\n')), [](char c) {
      return (c >= '0' && c <= '9') ||
             std::string_view(" \t\r+-.eEnaifNAIF").find(c) != std::string_view::npos;
    });
  }

  bool at_end() {
    fill(1);
    return begin_ == end_;
  }

  /// A line break that may end a word's record.
  void pass_line_break() {
    while (!at_end() && (buffer_[begin_] == '\n' || buffer_[begin_] == '\r')) ++begin_;
  }

  WordVector next() {
    std::string word;
    for (char c = take(); c != ' '; c = take()) {
      if (word.size() == longest_) throw Error(fmt::format("the word is longer than {} bytes", longest_));
      word += c;
    }
    fill(bytes_);
    if (end_ - begin_ < bytes_)
      throw Error(fmt::format("the file ends inside the vector; expected {} bytes", bytes_));
    WordVector vector{.word = {}, .values = std::vector<float>(bytes_ / sizeof(float))};
    std::memcpy(vector.values.data(), buffer_.data() + begin_, bytes_);
    begin_ += bytes_;
    vector.word = checked_word(word);
    for (const float value : vector.values)
      if (!std::isfinite(value)) throw BadRecord("a number that is infinite or none; expected finite ones");
    return vector;
  }

 private:
  char take() {
    if (at_end()) throw Error("the file ends inside the word; expected a space behind it");
    return buffer_[begin_++];
  }

  /// So many bytes in the buffer, or all that are left.
  void fill(std::size_t count) {
    if (end_ - begin_ >= count || ended_) return;
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(begin_));
    end_ -= begin_;
    begin_ = 0;
    buffer_.resize(std::max(end_ + (std::size_t{1} << 16), count));
    while (end_ < count) {
      const std::size_t found = file_.read(std::span(buffer_).subspan(end_));
      end_ += found;
      if (found > 0) continue;
      ended_ = true;
      return;
    }
  }

  io::InputFile file_;
  std::size_t bytes_, longest_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;  // what is read and not given yet
  bool ended_ = false;
};

WordVectorReader::WordVectorReader(const std::filesystem::path& path, const ReadOptions& options)
    : RecordReader(options.bad_records), lines_(path, throwing(options)) {
  const auto line = lines_.next();
  if (!line) throw Error(fmt::format("{} is empty; word vectors expected", path.string()));
  if (const auto header = header_of(*line)) {
    count_ = header->count;
    dim_ = header->dim;
    if (dim_ > kLargestDim)
      throw Error(fmt::format("{}, line 1: vectors of {} numbers; at most {} accepted", path.string(), dim_,
                              kLargestDim));
    auto binary = std::make_unique<Binary>(path, dim_, options.max_record_bytes);
    if (!binary->looks_like_text()) binary_ = std::move(binary);
    return;
  }
  first_ = *line;
  has_first_ = true;
  dim_ = count_columns(first_) - 1;
  if (dim_ < 1 || dim_ > kLargestDim)
    throw Error(
        fmt::format("{}, line 1: {}; expected a word and its numbers, or how many words and numbers "
                    "there are",
                    path.string(), counted(static_cast<std::size_t>(dim_ + 1), "column")));
}

WordVectorReader::~WordVectorReader() = default;

std::string WordVectorReader::place() const {
  if (binary_ == nullptr) return lines_.place();
  return fmt::format("{}, word {}", lines_.file(), words_);
}

WordVector WordVectorReader::parsed(std::string_view line) const {
  WordVector vector{.word = {}, .values = std::vector<float>(static_cast<std::size_t>(dim_))};
  std::string_view rest = line;
  for (std::size_t i = vector.values.size(); i-- > 0;) {
    const std::string_view column = take_last(rest);
    if (column.empty() || rest.empty())
      throw BadRecord(fmt::format("{}; expected a word and {}",
                                  counted(static_cast<std::size_t>(count_columns(line)), "column"),
                                  counted(vector.values.size(), "number")));
    const auto value = number_of<double>(column);
    const auto narrow = static_cast<float>(value.value_or(0));
    if (!value || !std::isfinite(narrow))
      throw BadRecord(fmt::format("{} is no finite number; expected a word and {}", io::printable(column),
                                  counted(vector.values.size(), "number")));
    vector.values[i] = narrow;
  }
  vector.word = checked_word(rest);
  return vector;
}

std::optional<WordVector> WordVectorReader::read_line() {
  if (has_first_) {
    has_first_ = false;
    ++words_;
    return parsed(first_);
  }
  std::optional<std::string_view> line;
  try {
    line = lines_.next();
  } catch (const BadRecord&) {
    ++words_;
    throw;
  }
  if (!line) return std::nullopt;
  ++words_;
  return parsed(*line);
}

std::optional<WordVector> WordVectorReader::read() {
  const auto wrong_count = [&](std::string_view found) {
    return Error(fmt::format("{}: {} {} words, and its first line tells of {}", lines_.file(), found, words_,
                             *count_));
  };
  try {
    if (binary_ == nullptr) {
      auto vector = read_line();
      if (!vector && count_ && words_ < *count_) throw wrong_count("ends after");
      if (vector && count_ && words_ > *count_) throw wrong_count("has at least");
      return vector;
    }
    binary_->pass_line_break();
    if (binary_->at_end()) {
      if (words_ < *count_) throw wrong_count("ends after");
      return std::nullopt;
    }
    ++words_;
    if (words_ > *count_) throw wrong_count("has at least");
    return binary_->next();
  } catch (const BadRecord& bad) {
    // LineReader has named the place already.
    const std::string_view message = bad.what();
    if (message.starts_with(lines_.file())) throw;
    throw BadRecord(place() + ": " + std::string(message));
  } catch (const Error& error) {
    if (std::string_view(error.what()).starts_with(lines_.file())) throw;
    throw Error(place() + ": " + error.what());
  }
}

}  // namespace attend::data
