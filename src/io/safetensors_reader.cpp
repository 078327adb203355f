#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "attend/base/error.h"
#include "attend/io/file.h"
#include "attend/io/safetensors.h"
#include "io/printable.h"
#include "io/safetensors_format.h"

namespace attend::io {

static_assert(std::endian::native == std::endian::little, "safetensors data is little-endian");

namespace {

/// What the header says about one tensor.
struct HeaderEntry {
  std::string name;
  std::optional<DType> dtype;
  std::optional<std::vector<std::int64_t>> shape;
  std::optional<int> offsets;  // how many were read
  std::uint64_t begin = 0, end = 0;
};

struct Header {
  std::vector<HeaderEntry> tensors;
  std::map<std::string, std::string> metadata;
};

/// Receives the header's JSON piece by piece. Only the four levels of the format are ever entered, so neither
/// memory nor stack grows with the nesting of a hostile header.
class HeaderHandler : public nlohmann::json_sax<nlohmann::json> {
 public:
  HeaderHandler(Header& header, std::string_view file) : header_(header), file_(file) {}

  bool start_object(std::size_t) override {
    switch (place_) {
      case Place::start:
        place_ = Place::top;
        return true;
      case Place::top_value:
        place_ = in_metadata_ ? Place::metadata : Place::tensor;
        return true;
      default:
        unexpected("an object");
    }
  }

  bool end_object() override {
    if (place_ == Place::tensor) {
      const HeaderEntry& entry = header_.tensors.back();
      if (!entry.dtype) missing("dtype");
      if (!entry.shape) missing("shape");
      if (!entry.offsets) missing("data_offsets");
    }
    place_ = place_ == Place::top ? Place::end : Place::top;
    return true;
  }

  bool key(string_t& name) override {
    if (place_ == Place::top) {
      if (!names_.insert(name).second) fail(fmt::format("{} appears twice", printable(name)));
      in_metadata_ = name == kSafetensorsMetadataKey;
      if (!in_metadata_) header_.tensors.emplace_back().name = name;
      place_ = Place::top_value;
    } else if (place_ == Place::metadata) {
      key_ = name;
      if (header_.metadata.contains(name)) {
        fail(fmt::format("the metadata key {} appears twice", printable(name)));
      }
      place_ = Place::metadata_value;
    } else {
      HeaderEntry& entry = header_.tensors.back();
      const auto once = [&](bool again) {
        if (again) fail(fmt::format("tensor {} has {} twice", printable(entry.name), name));
      };
      if (name == "dtype") {
        once(entry.dtype.has_value());
        place_ = Place::dtype;
      } else if (name == "shape") {
        once(entry.shape.has_value());
        place_ = Place::shape;
      } else if (name == "data_offsets") {
        once(entry.offsets.has_value());
        place_ = Place::offsets;
      } else {
        fail(fmt::format("tensor {} has the unknown key {}", printable(entry.name), printable(name)));
      }
    }
    return true;
  }

  bool string(string_t& value) override {
    if (place_ == Place::metadata_value) {
      header_.metadata.emplace(std::move(key_), std::move(value));
      place_ = Place::metadata;
      return true;
    }
    if (place_ != Place::dtype) unexpected("a text");
    HeaderEntry& entry = header_.tensors.back();
    entry.dtype = dtype_from_safetensors_name(value);
    if (!entry.dtype) {
      fail(fmt::format("tensor {} has the dtype {}; supported are F32, BF16, F64, I32, I64, U8 and BOOL",
                       printable(entry.name), printable(value)));
    }
    place_ = Place::tensor;
    return true;
  }

  bool start_array(std::size_t) override {
    HeaderEntry* entry = header_.tensors.empty() ? nullptr : &header_.tensors.back();
    if (place_ == Place::shape) {
      entry->shape.emplace();
      place_ = Place::shape_number;
    } else if (place_ == Place::offsets) {
      entry->offsets = 0;
      place_ = Place::offsets_number;
    } else {
      unexpected("a list");
    }
    return true;
  }

  bool end_array() override {
    const HeaderEntry& entry = header_.tensors.back();
    if (place_ == Place::offsets_number && entry.offsets != 2) {
      fail(fmt::format("tensor {} has {} data_offsets instead of 2", printable(entry.name), *entry.offsets));
    }
    place_ = Place::tensor;
    return true;
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ == Place::offsets_number) {
      HeaderEntry& entry = header_.tensors.back();
      if (*entry.offsets == 2)
        fail(fmt::format("tensor {} has more than 2 data_offsets", printable(entry.name)));
      (*entry.offsets == 0 ? entry.begin : entry.end) = value;
      ++*entry.offsets;
    } else if (place_ == Place::shape_number) {
      if (!std::in_range<std::int64_t>(value)) unexpected("a number beyond 2^63");
      header_.tensors.back().shape->push_back(static_cast<std::int64_t>(value));
    } else {
      unexpected("a number");
    }
    return true;
  }

  bool number_integer(number_integer_t) override { unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t&) override {
    unexpected("a number that is fractional or too large");
  }
  bool null() override { unexpected("null"); }
  bool boolean(bool value) override { unexpected(value ? "true" : "false"); }
  bool binary(binary_t&) override { unexpected("binary data"); }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    fail(fmt::format("the header is not valid JSON in UTF-8 (at byte {} of the header)", position));
  }

 private:
  enum class Place {
    start,
    top,
    top_value,
    metadata,
    metadata_value,
    tensor,
    dtype,
    shape,
    shape_number,
    offsets,
    offsets_number,
    end
  };

  [[noreturn]] void fail(std::string_view what) const {
    throw Error(fmt::format("{} is not a valid safetensors file: {}", file_, what));
  }

  [[noreturn]] void missing(std::string_view what) const {
    fail(fmt::format("tensor {} has no {}", printable(header_.tensors.back().name), what));
  }

  [[noreturn]] void unexpected(std::string_view found) const {
    switch (place_) {
      case Place::start:
        fail(fmt::format("the header is {}, not an object", found));
      case Place::metadata_value:
        fail(fmt::format("the metadata value of {} is {}, not a text", printable(key_), found));
      case Place::top_value:
        if (in_metadata_) fail(fmt::format("__metadata__ is {}, not an object", found));
        fail(fmt::format("tensor {} is {}, not an object", printable(header_.tensors.back().name), found));
      default:
        break;
    }
    const bool is_dtype = place_ == Place::dtype;
    const bool is_shape = place_ == Place::shape || place_ == Place::shape_number;
    fail(fmt::format("the {} of tensor {} contains {}; expected {}",
                     is_dtype   ? "dtype"
                     : is_shape ? "shape"
                                : "data_offsets",
                     printable(header_.tensors.back().name), found,
                     is_dtype   ? "a text"
                     : is_shape ? "a list of sizes"
                                : "a list of two offsets"));
  }

  Header& header_;
  std::string_view file_;
  Place place_ = Place::start;
  bool in_metadata_ = false;
  std::string key_;
  std::set<std::string, std::less<>> names_;
};

}  // namespace

struct SafetensorsFile::Content {
  std::string file;
  std::optional<MappedFile> mapping;
  std::vector<SafetensorsEntry> entries;
  std::map<std::string_view, std::size_t> places;  // of entries, by name
  std::map<std::string, std::string> metadata;

  [[noreturn]] void fail(std::string_view what) const {
    throw Error(fmt::format("{} is not a valid safetensors file: {}", file, what));
  }

  void read(std::span<const std::byte> bytes);
  void place_tensors(std::vector<HeaderEntry> tensors, std::span<const std::byte> data);
};

void SafetensorsFile::Content::read(std::span<const std::byte> bytes) {
  if (bytes.empty()) fail("it is empty");
  std::uint64_t length;
  if (bytes.size() < sizeof length) {
    fail(fmt::format("it has {} bytes and needs 8 for the length of its header", bytes.size()));
  }
  std::memcpy(&length, bytes.data(), sizeof length);
  bytes = bytes.subspan(sizeof length);
  if (length > kSafetensorsLongestHeader) {
    fail(fmt::format("its header claims {} bytes; at most {} are accepted", length,
                     kSafetensorsLongestHeader));
  }
  if (length > bytes.size()) {
    fail(fmt::format("its header claims {} bytes and {} are left: it is truncated or damaged", length,
                     bytes.size()));
  }
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  if (length == 0 || text[0] != '{') fail("its header does not start with '{'");

  // The JSON reader takes a zero byte for the end of its input and would leave the rest unseen.
  if (std::memchr(text, 0, length) != nullptr) fail("its header contains a zero byte");

  Header header;
  HeaderHandler handler(header, file);
  nlohmann::json::sax_parse(text, text + length, &handler);
  metadata = std::move(header.metadata);
  place_tensors(std::move(header.tensors), bytes.subspan(length));
}

void SafetensorsFile::Content::place_tensors(std::vector<HeaderEntry> tensors,
                                             std::span<const std::byte> data) {
  std::stable_sort(tensors.begin(), tensors.end(), [](const HeaderEntry& a, const HeaderEntry& b) {
    return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
  });
  std::uint64_t end = 0;
  entries.reserve(tensors.size());
  for (HeaderEntry& tensor : tensors) {
    const std::string name = printable(tensor.name);
    const std::uint64_t from = tensor.begin, to = tensor.end;
    const auto needed = safetensors_bytes(*tensor.dtype, *tensor.shape);
    if (!needed) fail(fmt::format("the sizes of tensor {} multiply to more than 2^63 bytes", name));
    if (to < from) fail(fmt::format("the data of tensor {} ends before it starts", name));
    if (to - from != *needed) {
      fail(fmt::format("tensor {} has {} bytes of data; its dtype and shape need {}", name, to - from,
                       *needed));
    }
    if (from < end) fail(fmt::format("the data of tensor {} overlaps that of another", name));
    if (from > end) fail(fmt::format("{} bytes before the data of tensor {} are unused", from - end, name));
    if (to > data.size()) {
      fail(fmt::format("the data of tensor {} ends at byte {} and the file holds {}: it is truncated", name,
                       to, data.size()));
    }
    const auto elements = data.subspan(from, to - from);
    if (tensor.dtype == DType::boolean) {
      if (const auto bad = find_bad_boolean(elements)) {
        fail(fmt::format("element {} of tensor {} is {}; a BOOL is 0 or 1", *bad, name,
                         std::to_integer<int>(elements[*bad])));
      }
    }
    end = to;
    entries.push_back({std::move(tensor.name), *tensor.dtype, std::move(*tensor.shape), elements});
  }
  if (end != data.size()) fail(fmt::format("{} bytes after the last tensor are unused", data.size() - end));
  for (std::size_t i = 0; i < entries.size(); ++i) places.emplace(entries[i].name, i);
}

SafetensorsFile SafetensorsFile::open(const std::filesystem::path& path) {
  auto content = std::make_unique<Content>();
  content->file = path.string();
  content->mapping.emplace(path);
  content->read(content->mapping->bytes());
  return SafetensorsFile(std::move(content));
}

SafetensorsFile SafetensorsFile::from_memory(std::span<const std::byte> bytes, std::string_view name) {
  auto content = std::make_unique<Content>();
  content->file = name;
  content->read(bytes);
  return SafetensorsFile(std::move(content));
}

SafetensorsFile::SafetensorsFile(std::unique_ptr<Content> content) : content_(std::move(content)) {}
SafetensorsFile::~SafetensorsFile() = default;
SafetensorsFile::SafetensorsFile(SafetensorsFile&&) noexcept = default;
SafetensorsFile& SafetensorsFile::operator=(SafetensorsFile&&) noexcept = default;

const std::vector<SafetensorsEntry>& SafetensorsFile::entries() const {
  return content_->entries;
}

std::vector<std::string> SafetensorsFile::names() const {
  std::vector<std::string> names;
  for (const auto& entry : content_->entries) names.push_back(entry.name);
  return names;
}

const SafetensorsEntry* SafetensorsFile::find(std::string_view name) const {
  const auto found = content_->places.find(name);
  return found == content_->places.end() ? nullptr : &content_->entries[found->second];
}

const SafetensorsEntry& SafetensorsFile::at(std::string_view name) const {
  if (const auto* entry = find(name)) return *entry;
  throw Error(fmt::format("{} has no tensor {}", content_->file, printable(name)));
}

const std::map<std::string, std::string>& SafetensorsFile::metadata() const {
  return content_->metadata;
}

}  // namespace attend::io
