#include "attend/data/line_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "data/utf8.h"

namespace attend::data {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 16;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

}  // namespace

LineReader::LineReader(const std::filesystem::path& path, const ReadOptions& options)
    : RecordReader(options.bad_records), file_(path), longest_(options.max_record_bytes), buffer_(kPiece) {}

std::string LineReader::place() const {
  return fmt::format("{}, line {}", file(), line_);
}

/// Reads more behind what is there; false at the end of the file.
bool LineReader::refill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) buffer_.resize(2 * end_);
  const std::size_t got = file_.read(std::span(buffer_).subspan(end_));
  end_ += got;
  return got > 0;
}

void LineReader::drop_rest_of_line() {
  for (;;) {
    const void* const found = std::memchr(buffer_.data() + begin_, '\n', end_ - begin_);
    begin_ = found != nullptr ? static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.data()) + 1
                              : end_;
    if (found != nullptr || !refill()) break;
  }
  in_long_line_ = false;
}

std::optional<std::string_view> LineReader::read() {
  if (in_long_line_) drop_rest_of_line();
  std::size_t looked_at = 0, length = 0;
  bool ended = false;
  for (;;) {
    const char* const start = buffer_.data() + begin_;
    const void* const found = std::memchr(start + looked_at, '\n', end_ - begin_ - looked_at);
    ended = found != nullptr;
    length = ended ? static_cast<std::size_t>(static_cast<const char*>(found) - start) : end_ - begin_;
    // One byte more than the longest line may be its CR.
    if (ended || (length > longest_ && length - longest_ > 1)) break;
    looked_at = length;
    if (!refill()) break;
  }
  if (!ended && length == 0) return std::nullopt;
  ++line_;
  std::string_view line(buffer_.data() + begin_, length);
  begin_ += length + (ended ? 1 : 0);
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line_ == 1 && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  if (line.size() > longest_) {
    in_long_line_ = !ended;
    throw BadRecord(
        fmt::format("{}: the line is longer than {} bytes, the longest allowed; is this a text file?",
                    place(), longest_));
  }
  return checked(line);
}

std::string_view LineReader::checked(std::string_view line) const {
  if (const std::size_t nul = line.find('\0'); nul != line.npos)
    throw BadRecord(fmt::format("{}, byte {}: a NUL byte; expected text in UTF-8", place(), nul + 1));
  if (const std::size_t bad = find_invalid_utf8(line); bad != line.npos)
    throw BadRecord(fmt::format("{}, byte {}: byte 0x{:02x} is not UTF-8; convert the file to UTF-8", place(),
                                bad + 1, static_cast<unsigned char>(line[bad])));
  return line;
}

}  // namespace attend::data
