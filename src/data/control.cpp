#include "attend/data/control.h"

#include <fmt/format.h>

#include <algorithm>

#include "data/record_messages.h"
#include "io/printable.h"

namespace attend::data {
namespace {

constexpr std::string_view kBlanks = " \t";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

bool is_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace

const std::string* ControlRecord::find(std::string_view name) const {
  const auto found =
      std::ranges::find_if(fields, [&](const ControlField& field) { return same_name(field.name, name); });
  return found == fields.end() ? nullptr : &found->value;
}

ControlReader::ControlReader(const std::filesystem::path& path, const ReadOptions& options)
    : RecordReader(options.bad_records),
      lines_(path, throwing(options)),
      longest_(options.max_record_bytes) {}

std::string ControlReader::place() const {
  return fmt::format("{}, line {}", lines_.file(), record_line_);
}

std::optional<ControlRecord> ControlReader::read() {
  ControlRecord record;
  std::size_t bytes = 0;
  try {
    while (const std::optional<std::string_view> line = lines_.next()) {
      if (is_blank(*line)) {
        if (!record.fields.empty()) return record;
        continue;
      }
      if (line->starts_with('#')) continue;
      bytes += line->size() + 1;
      if (bytes > longest_)
        throw BadRecord(
            fmt::format("{}: the paragraph is longer than {} bytes, the longest allowed; expected an empty "
                        "line after each paragraph",
                        lines_.place(), longest_));
      if (record.fields.empty()) record_line_ = lines_.line();
      take_line(*line, record);
    }
  } catch (const BadRecord&) {
    pass_paragraph();
    throw;
  }
  if (record.fields.empty()) return std::nullopt;
  return record;
}

void ControlReader::take_line(std::string_view line, ControlRecord& record) const {
  if (kBlanks.find(line.front()) != kBlanks.npos) {
    if (record.fields.empty())
      throw BadRecord(
          fmt::format("{}: the line starts with a blank; expected 'Name: value' first", lines_.place()));
    std::string& value = record.fields.back().value;
    value += '\n';
    value += line.substr(1);
    return;
  }
  const std::size_t colon = line.find(':');
  if (colon == line.npos)
    throw BadRecord(fmt::format("{}: {}; expected 'Name: value'", lines_.place(), io::printable(line)));
  const std::string_view name = line.substr(0, colon);
  if (!is_name(name))
    throw BadRecord(fmt::format("{}: {} is no name of a field; expected 'Name: value'", lines_.place(),
                                io::printable(name)));
  if (record.find(name) != nullptr)
    throw BadRecord(
        fmt::format("{}: a second field {}; expected each once", lines_.place(), io::printable(name)));
  record.fields.push_back({std::string(name), std::string(trimmed(line.substr(colon + 1)))});
}

/// Passes over what is left of a bad paragraph.
void ControlReader::pass_paragraph() {
  for (;;) {
    try {
      const std::optional<std::string_view> line = lines_.next();
      if (!line || is_blank(*line)) return;
    } catch (const BadRecord&) {
      // It belongs to the bad paragraph, which is reported already.
    }
  }
}

}  // namespace attend::data
