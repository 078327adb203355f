#include "attend/data/token_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "attend/base/error.h"

namespace attend::data {
namespace {

constexpr std::string_view kMagic = "ATTNTOK1";
constexpr std::size_t kHeaderBytes = 64;
constexpr std::int64_t kNarrowVocabulary = 65536;
constexpr std::int64_t kLargestVocabulary = std::int64_t{1} << 31;

struct Header {
  std::array<char, 8> magic{};
  std::uint64_t count = 0, vocabulary = 0, source = 0, check = 0;
  std::array<std::uint64_t, 3> zero{};
};
static_assert(sizeof(Header) == kHeaderBytes);

std::uint64_t check_of(const Header& header) {
  return checksum({reinterpret_cast<const char*>(&header), offsetof(Header, check)});
}

std::size_t width_for(std::int64_t vocabulary) {
  return vocabulary <= kNarrowVocabulary ? 2 : 4;
}

[[noreturn]] void bad_id(std::int64_t id, std::int64_t place, std::int64_t vocabulary) {
  throw Error(fmt::format("token {} at place {} is not in the vocabulary, which has the tokens 0 to {}", id,
                          place, vocabulary - 1));
}

template <class Id>
void copy_ids(const std::byte* from, std::int64_t begin, std::int64_t vocabulary,
              std::span<std::int32_t> ids) {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    Id id;
    std::memcpy(&id, from + (static_cast<std::size_t>(begin) + i) * sizeof(Id), sizeof(Id));
    if (static_cast<std::int64_t>(id) < 0 || static_cast<std::int64_t>(id) >= vocabulary) {
      bad_id(id, begin + static_cast<std::int64_t>(i), vocabulary);
    }
    ids[i] = static_cast<std::int32_t>(id);
  }
}

}  // namespace

std::uint64_t checksum(std::string_view bytes, std::uint64_t seed) {
  for (const char c : bytes) seed = (seed ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return seed;
}

void TokenView::check_range(std::int64_t begin, std::int64_t count) const {
  if (begin < 0 || count < 0 || begin > size_ || count > size_ - begin) {
    throw Error(fmt::format("{} tokens from place {} on were asked for; there are {}", count, begin, size_));
  }
}

TokenView TokenView::slice(std::int64_t begin, std::int64_t count) const {
  check_range(begin, count);
  TokenView part = *this;
  if (data_ != nullptr) part.data_ += begin * width_;
  part.size_ = count;
  return part;
}

void TokenView::copy(std::int64_t begin, std::span<std::int32_t> ids) const {
  check_range(begin, static_cast<std::int64_t>(ids.size()));
  if (width_ == 2) {
    copy_ids<std::uint16_t>(data_, begin, vocabulary_, ids);
  } else {
    copy_ids<std::int32_t>(data_, begin, vocabulary_, ids);
  }
}

void TokenFile::write(const std::filesystem::path& path, std::span<const std::int32_t> ids,
                      std::int64_t vocabulary, std::uint64_t source) {
  if (vocabulary < 1 || vocabulary > kLargestVocabulary) {
    throw Error(fmt::format("vocabulary: {} given, 1 to {} accepted", vocabulary, kLargestVocabulary));
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || ids[i] >= vocabulary) bad_id(ids[i], static_cast<std::int64_t>(i), vocabulary);
  }
  Header header;
  std::copy(kMagic.begin(), kMagic.end(), header.magic.begin());
  header.count = ids.size();
  header.vocabulary = static_cast<std::uint64_t>(vocabulary);
  header.source = source;
  header.check = check_of(header);
  io::write_file_atomically(path, [&](const io::ByteSink& write) {
    write(std::as_bytes(std::span(&header, 1)));
    if (width_for(vocabulary) == 4) {
      write(std::as_bytes(ids));
      return;
    }
    constexpr std::size_t kChunk = 1 << 16;
    std::vector<std::uint16_t> narrow;
    for (std::size_t i = 0; i < ids.size(); i += kChunk) {
      const auto part = ids.subspan(i, std::min(kChunk, ids.size() - i));
      narrow.assign(part.begin(), part.end());
      write(std::as_bytes(std::span(narrow)));
    }
  });
}

TokenFile::TokenFile(const std::filesystem::path& path) : mapping_(path) {
  const auto fail = [&](std::string_view what) {
    throw Error(fmt::format("{} is not a valid token file: {}", path.string(), what));
  };
  const std::span<const std::byte> bytes = mapping_.bytes();
  Header header;
  if (bytes.size() < sizeof header)
    fail(fmt::format("it has {} bytes, its header {}", bytes.size(), sizeof header));
  std::memcpy(&header, bytes.data(), sizeof header);
  if (std::string_view(header.magic.data(), header.magic.size()) != kMagic) {
    fail(fmt::format("it does not start with {}", kMagic));
  }
  if (header.check != check_of(header)) fail("its header is damaged");
  const auto vocabulary = static_cast<std::int64_t>(header.vocabulary);
  if (vocabulary < 1 || vocabulary > kLargestVocabulary) fail("its vocabulary is out of range");
  const std::size_t width = width_for(vocabulary), rest = bytes.size() - sizeof header;
  if (rest % width != 0 || rest / width != header.count) {
    fail(fmt::format("it should hold {} tokens and has {} bytes for them", header.count, rest));
  }
  tokens_.data_ = bytes.data() + sizeof header;
  tokens_.size_ = static_cast<std::int64_t>(header.count);
  tokens_.vocabulary_ = vocabulary;
  tokens_.width_ = static_cast<int>(width);
  source_ = header.source;
}

}  // namespace attend::data
