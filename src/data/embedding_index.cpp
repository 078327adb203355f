#include "attend/data/embedding_index.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstring>
#include <fstream>

#include "attend/base/error.h"
#include "attend/data/token_file.h"
#include "attend/io/file.h"
#include "data/utf8.h"

namespace attend::data {

namespace {

constexpr std::string_view kMagic = "ATTNIDX1";
constexpr std::size_t kNameLength = 7;  // the last byte is the version
constexpr std::int64_t kMostDim = 1 << 20;

struct Header {
  std::array<char, 8> magic{};
  std::uint64_t model = 0, dim = 0, texts = 0, text_bytes = 0;
};
static_assert(sizeof(Header) == 40);

std::uint64_t chained(std::span<const std::byte> bytes, std::uint64_t before) {
  return checksum({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, before);
}

/// Bytes of a file of this shape; none when they are more than any file has.
bool size_of_file(const Header& header, std::uint64_t& size) {
  std::uint64_t vectors = 0, ends = 0;
  return !__builtin_mul_overflow(header.texts, header.dim * sizeof(float), &vectors) &&
         !__builtin_mul_overflow(header.texts, std::uint64_t{8}, &ends) &&
         !__builtin_add_overflow(vectors, ends, &size) &&
         !__builtin_add_overflow(size, header.text_bytes, &size) &&
         !__builtin_add_overflow(size, sizeof(Header) + 8, &size);
}

}  // namespace

EmbeddingIndex::EmbeddingIndex(std::int64_t dim, std::uint64_t model) : dim_(dim), model_(model) {
  if (dim < 1 || dim > kMostDim)
    throw Error(fmt::format("an index of vectors of {} numbers: 1 to {} accepted", dim, kMostDim));
}

void EmbeddingIndex::add(std::string_view text, std::span<const float> vector) {
  if (static_cast<std::int64_t>(vector.size()) != dim_)
    throw Error(fmt::format("a vector of {} numbers for an index of {}", vector.size(), dim_));
  for (const float value : vector)
    if (!std::isfinite(value)) throw Error("a vector for an index holds a number that is not finite");
  vectors_.insert(vectors_.end(), vector.begin(), vector.end());
  texts_ += text;
  ends_.push_back(texts_.size());
}

std::string_view EmbeddingIndex::text(std::int64_t i) const {
  if (i < 0 || i >= size()) throw Error(fmt::format("text {} of an index of {}", i, size()));
  const auto at = static_cast<std::size_t>(i);
  const std::uint64_t begin = at == 0 ? 0 : ends_[at - 1];
  return std::string_view(texts_).substr(begin, ends_[at] - begin);
}

std::span<const float> EmbeddingIndex::vectors(std::int64_t begin, std::int64_t end) const {
  if (begin < 0 || begin > end || end > size())
    throw Error(fmt::format("vectors {} to {} of an index of {}", begin, end, size()));
  return std::span(vectors_).subspan(static_cast<std::size_t>(begin * dim_),
                                     static_cast<std::size_t>((end - begin) * dim_));
}

void EmbeddingIndex::save(const std::filesystem::path& path) const {
  if (ends_.empty()) throw Error(fmt::format("{}: an index needs at least one text", path.string()));
  Header header;
  std::memcpy(header.magic.data(), kMagic.data(), kMagic.size());
  header.model = model_;
  header.dim = static_cast<std::uint64_t>(dim_);
  header.texts = ends_.size();
  header.text_bytes = texts_.size();
  io::write_file_atomically(path, [&](const io::ByteSink& write) {
    std::uint64_t sum = checksum("");
    for (const std::span<const std::byte> part :
         {std::as_bytes(std::span(&header, 1)), std::as_bytes(std::span(vectors_)),
          std::as_bytes(std::span(ends_)), std::as_bytes(std::span(texts_))}) {
      sum = chained(part, sum);
      write(part);
    }
    write(std::as_bytes(std::span(&sum, 1)));
  });
}

EmbeddingIndex EmbeddingIndex::parse(std::span<const std::byte> bytes, std::string_view source) {
  const auto fail = [&](std::string_view what) {
    throw Error(fmt::format("{} is no valid index: {}", source, what));
  };
  Header header;
  if (bytes.size() < sizeof header) fail(fmt::format("it has {} bytes only", bytes.size()));
  std::memcpy(&header, bytes.data(), sizeof header);
  const std::string_view magic(header.magic.data(), header.magic.size());
  if (magic.substr(0, kNameLength) != kMagic.substr(0, kNameLength))
    fail(fmt::format("it does not start with {}", kMagic));
  if (magic != kMagic) fail("its format is of another version of attend; make it anew");
  if (header.dim < 1 || header.dim > static_cast<std::uint64_t>(kMostDim))
    fail(fmt::format("its vectors have {} numbers, 1 to {} are accepted", header.dim, kMostDim));
  if (header.texts == 0) fail("it holds no texts");
  std::uint64_t size = 0;
  if (!size_of_file(header, size) || size != bytes.size())
    fail(fmt::format("{} texts with vectors of {} do not make a file of {} bytes: it is cut short or damaged",
                     header.texts, header.dim, bytes.size()));
  std::uint64_t stored = 0;
  std::memcpy(&stored, bytes.data() + bytes.size() - sizeof stored, sizeof stored);
  if (chained(bytes.first(bytes.size() - sizeof stored), checksum("")) != stored)
    fail("its checksum does not fit: it is damaged");

  EmbeddingIndex index(static_cast<std::int64_t>(header.dim), header.model);
  const std::byte* place = bytes.data() + sizeof header;
  const auto take = [&](auto& values, std::size_t count) {
    values.resize(count);
    std::memcpy(values.data(), place, count * sizeof values[0]);
    place += count * sizeof values[0];
  };
  take(index.vectors_, header.texts * header.dim);
  take(index.ends_, header.texts);
  take(index.texts_, header.text_bytes);
  for (const float value : index.vectors_)
    if (!std::isfinite(value)) fail("a vector holds a number that is not finite");
  std::uint64_t end = 0;
  for (const std::uint64_t next : index.ends_) {
    if (next < end) fail("its texts end before they begin");
    end = next;
  }
  if (end != header.text_bytes) fail(fmt::format("its texts end at byte {} of {}", end, header.text_bytes));
  for (std::int64_t i = 0; i < index.size(); ++i)
    if (find_invalid_utf8(index.text(i)) != std::string_view::npos)
      fail(fmt::format("text {} is not UTF-8", i + 1));
  return index;
}

EmbeddingIndex EmbeddingIndex::load(const std::filesystem::path& path) {
  const io::MappedFile file(path);
  return parse(file.bytes(), path.string());
}

bool EmbeddingIndex::is_index(const std::filesystem::path& path) {
  std::array<char, kNameLength> begin{};
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return false;
  std::ifstream file(path, std::ios::binary);
  return file.read(begin.data(), begin.size()) &&
         std::string_view(begin.data(), begin.size()) == kMagic.substr(0, kNameLength);
}

}  // namespace attend::data
