#include "attend/data/sequence_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "attend/base/error.h"
#include "attend/data/token_file.h"

namespace attend::data {
namespace {

constexpr std::string_view kMagic = "ATTNSEQ1";
constexpr std::int64_t kNarrowVocabulary = 65536;
constexpr std::int64_t kLargestVocabulary = std::int64_t{1} << 31;
constexpr std::int64_t kMostFields = 1 << 10;

struct Header {
  std::array<char, 8> magic{};
  std::uint64_t vocabulary = 0, fields = 0, source = 0;
};
struct Trailer {
  std::uint64_t sequences = 0, check = 0;
};
static_assert(sizeof(Header) == 32 && sizeof(Trailer) == 16);

std::uint64_t check_of(const Header& header, std::uint64_t sequences) {
  const std::uint64_t first = checksum({reinterpret_cast<const char*>(&header), sizeof header});
  return checksum({reinterpret_cast<const char*>(&sequences), sizeof sequences}, first);
}

std::size_t width_for(std::int64_t vocabulary) {
  return vocabulary <= kNarrowVocabulary ? 2 : 4;
}

/// Bytes of zeros after so many bytes of ids.
std::size_t padding_after(std::size_t bytes) {
  return (8 - bytes % 8) % 8;
}

[[noreturn]] void bad_id(std::int64_t id, std::int64_t vocabulary) {
  throw Error(
      fmt::format("token {} is not in the vocabulary, which has the tokens 0 to {}", id, vocabulary - 1));
}

void check_format(const SequenceFile::Format& format) {
  if (format.vocabulary < 1 || format.vocabulary > kLargestVocabulary)
    throw Error(fmt::format("vocabulary: {} given, 1 to {} accepted", format.vocabulary, kLargestVocabulary));
  if (format.fields < 1 || format.fields > kMostFields)
    throw Error(fmt::format("fields: {} given, 1 to {} accepted", format.fields, kMostFields));
}

template <class Id>
std::vector<std::int32_t> read_ids(const std::byte* from, std::size_t count, std::int64_t vocabulary) {
  std::vector<std::int32_t> ids(count);
  for (std::size_t i = 0; i < count; ++i) {
    Id id;
    std::memcpy(&id, from + i * sizeof(Id), sizeof(Id));
    if (static_cast<std::int64_t>(id) < 0 || static_cast<std::int64_t>(id) >= vocabulary)
      bad_id(static_cast<std::int64_t>(id), vocabulary);
    ids[i] = static_cast<std::int32_t>(id);
  }
  return ids;
}

}  // namespace

void SequenceFile::write(const std::filesystem::path& path, const Format& format,
                         const std::function<void(const Sink&)>& fill) {
  check_format(format);
  Header header;
  std::copy(kMagic.begin(), kMagic.end(), header.magic.begin());
  header.vocabulary = static_cast<std::uint64_t>(format.vocabulary);
  header.fields = static_cast<std::uint64_t>(format.fields);
  header.source = format.source;
  const std::size_t width = width_for(format.vocabulary);
  io::write_file_atomically(path, [&](const io::ByteSink& write) {
    write(std::as_bytes(std::span(&header, 1)));
    std::vector<std::uint64_t> ends;
    std::vector<std::uint16_t> narrow;
    std::uint64_t count = 0;
    fill([&](std::span<const std::int32_t> ids) {
      for (const std::int32_t id : ids) {
        if (id < 0 || id >= format.vocabulary) bad_id(id, format.vocabulary);
      }
      narrow.assign(ids.begin(), ids.end());
      write(width == 2 ? std::as_bytes(std::span(narrow)) : std::as_bytes(ids));
      ends.push_back(count += ids.size());
    });
    if (ends.size() % header.fields != 0)
      throw Error(fmt::format("{} sequences in records of {}: the last record is not whole", ends.size(),
                              format.fields));
    static constexpr std::array<std::byte, 8> kZeros{};
    write(std::span(kZeros).first(padding_after(count * width)));
    write(std::as_bytes(std::span(ends)));
    const Trailer trailer{ends.size(), check_of(header, ends.size())};
    write(std::as_bytes(std::span(&trailer, 1)));
  });
}

SequenceFile::SequenceFile(const std::filesystem::path& path) : mapping_(path) {
  const auto fail = [&](std::string_view what) {
    throw Error(fmt::format("{} is not a valid sequence file: {}", path.string(), what));
  };
  const std::span<const std::byte> bytes = mapping_.bytes();
  Header header;
  Trailer trailer;
  if (bytes.size() < sizeof header + sizeof trailer) fail(fmt::format("it has {} bytes only", bytes.size()));
  std::memcpy(&header, bytes.data(), sizeof header);
  std::memcpy(&trailer, bytes.data() + bytes.size() - sizeof trailer, sizeof trailer);
  if (std::string_view(header.magic.data(), header.magic.size()) != kMagic)
    fail(fmt::format("it does not start with {}", kMagic));
  if (trailer.check != check_of(header, trailer.sequences)) fail("it is damaged or truncated");
  format_ = {.vocabulary = static_cast<std::int64_t>(header.vocabulary),
             .fields = static_cast<std::int64_t>(header.fields),
             .source = header.source};
  try {
    check_format(format_);
  } catch (const Error& error) {
    fail(error.what());
  }
  const std::size_t rest = bytes.size() - sizeof header - sizeof trailer;
  if (trailer.sequences > rest / 8 || trailer.sequences % header.fields != 0)
    fail(fmt::format("it should hold {} sequences of {} a record in {} bytes", trailer.sequences,
                     header.fields, rest));
  sequences_ = static_cast<std::int64_t>(trailer.sequences);
  const std::size_t id_bytes = rest - static_cast<std::size_t>(trailer.sequences) * 8;
  ends_ = bytes.data() + sizeof header + id_bytes;
  count_ = sequences_ == 0 ? 0 : end_of(sequences_ - 1);
  const std::size_t width = width_for(format_.vocabulary);
  if (count_ > id_bytes / width || count_ * width + padding_after(count_ * width) != id_bytes)
    fail(fmt::format("it should hold {} tokens and has {} bytes for them", count_, id_bytes));
}

std::uint64_t SequenceFile::end_of(std::int64_t sequence) const {
  std::uint64_t end;
  std::memcpy(&end, ends_ + sequence * 8, sizeof end);
  return end;
}

SequenceFile::Extent SequenceFile::extent(std::int64_t record, std::int64_t field) const {
  if (record < 0 || record >= records() || field < 0 || field >= format_.fields)
    throw Error(fmt::format("sequence {} of record {} was asked for; there are {} records of {}", field,
                            record, records(), format_.fields));
  const std::int64_t sequence = record * format_.fields + field;
  const Extent found{sequence == 0 ? 0 : end_of(sequence - 1), end_of(sequence)};
  if (found.begin > found.end || found.end > count_)
    throw Error(fmt::format("a sequence file is damaged: sequence {} goes from {} to {} of {}", sequence,
                            found.begin, found.end, count_));
  return found;
}

std::int64_t SequenceFile::length(std::int64_t record, std::int64_t field) const {
  const Extent found = extent(record, field);
  return static_cast<std::int64_t>(found.end - found.begin);
}

std::vector<std::int32_t> SequenceFile::ids(std::int64_t record, std::int64_t field) const {
  const Extent found = extent(record, field);
  const std::size_t width = width_for(format_.vocabulary),
                    count = static_cast<std::size_t>(found.end - found.begin);
  const std::byte* from = mapping_.bytes().data() + sizeof(Header) + found.begin * width;
  return width == 2 ? read_ids<std::uint16_t>(from, count, format_.vocabulary)
                    : read_ids<std::int32_t>(from, count, format_.vocabulary);
}

}  // namespace attend::data
