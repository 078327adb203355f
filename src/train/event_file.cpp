#include <bit>
#include <cmath>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#include "attend/io/file.h"
#include "attend/train/metrics_log.h"
#include "train/append_file.h"
#include "train/crc32c.h"

// The messages, from TensorFlow's event.proto and summary.proto, in the encoding of protocol buffers version
// 3 (https://protobuf.dev/programming-guides/encoding):
//
//     Event   { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5; }
//     Summary { repeated Value value = 1; }      Value { string tag = 1; float simple_value = 2; }
namespace attend::train {
namespace {

enum WireType : unsigned { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

static_assert(std::endian::native == std::endian::little, "numbers are written as they are in memory");

template <class T>
std::string raw(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7f) | 0x80);
  return bytes += static_cast<char>(value);
}

std::string key(unsigned field, WireType type) {
  return varint(field << 3 | type);
}

std::string message(unsigned field, std::string_view content) {
  return key(field, kBytes) + varint(content.size()) + std::string(content);
}

std::uint32_t masked_crc(std::string_view bytes) {
  const std::uint32_t crc = crc32c(std::as_bytes(std::span(bytes)));
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

std::string record(std::string_view event) {
  const std::string length = raw(static_cast<std::uint64_t>(event.size()));
  return length + raw(masked_crc(length)) + std::string(event) + raw(masked_crc(event));
}

// As the reference encoder does, a step of 0 is left out.
std::string event_head(double seconds, std::int64_t step) {
  const std::string time = key(1, kFixed64) + raw(seconds);
  return step == 0 ? time : time + key(2, kVarint) + varint(static_cast<std::uint64_t>(step));
}

template <class T>
T read_as(std::string_view bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

/// The step of an event that begins as event_head() writes it.
std::optional<std::int64_t> step_of(std::string_view event) {
  if (event.size() < 9 || event[0] != (1 << 3 | kFixed64)) return std::nullopt;
  event.remove_prefix(9);
  if (event.empty() || event[0] != (2 << 3 | kVarint)) return 0;
  std::uint64_t step = 0;
  for (std::size_t i = 1, shift = 0; i < event.size() && shift < 64; ++i, shift += 7) {
    step |= static_cast<std::uint64_t>(event[i] & 0x7f) << shift;
    if ((event[i] & 0x80) == 0) return static_cast<std::int64_t>(step);
  }
  return std::nullopt;
}

/// Length of the part that a run going on after `last_step` keeps: whole, undamaged records of ours up to
/// that step.
std::size_t kept_length(std::string_view content, std::int64_t last_step) {
  constexpr std::size_t kHead = 12, kTail = 4;
  std::size_t kept = 0;
  while (content.size() - kept >= kHead + kTail) {
    const std::string_view rest = content.substr(kept);
    const auto length = read_as<std::uint64_t>(rest);
    if (read_as<std::uint32_t>(rest.substr(8)) != masked_crc(rest.substr(0, 8))) break;
    if (length > rest.size() - kHead - kTail) break;
    const std::string_view event = rest.substr(kHead, length);
    if (read_as<std::uint32_t>(rest.substr(kHead + length)) != masked_crc(event)) break;
    const auto step = step_of(event);
    if (!step || *step > last_step) break;
    kept += kHead + length + kTail;
  }
  return kept;
}

}  // namespace

struct EventFile::File : AppendFile {
  using AppendFile::AppendFile;
  bool empty = true;
};

EventFile::EventFile(const std::filesystem::path& path, std::int64_t last_step)
    : file_(std::make_unique<File>(path)) {
  const std::size_t kept = last_step < 0 ? 0 : kept_length(io::read_file(path), last_step);
  file_->truncate(kept);
  file_->empty = kept == 0;
}

EventFile::~EventFile() = default;
EventFile::EventFile(EventFile&&) noexcept = default;
EventFile& EventFile::operator=(EventFile&&) noexcept = default;

void EventFile::write(std::int64_t step, const Metrics& metrics, double seconds) {
  std::string records;
  if (file_->empty) records = record(event_head(seconds, 0) + message(3, "brain.Event:2"));
  std::string values;
  for (const auto& [name, value] : metrics) {
    float number = 0;
    if (const auto* real = std::get_if<double>(&value))
      number = static_cast<float>(*real);
    else if (const auto* integer = std::get_if<std::int64_t>(&value))
      number = static_cast<float>(*integer);
    else
      continue;
    values += message(1, message(1, name) + key(2, kFixed32) + raw(number));
  }
  records += record(event_head(seconds, step) + message(5, values));
  file_->append(records);
  file_->empty = false;
}

}  // namespace attend::train
