#include "attend/data/json_lines.h"

#include <fmt/format.h>

#include "data/json_text.h"
#include "data/record_messages.h"
#include "io/printable.h"

namespace attend::data {
namespace {

std::string filled_text(const nlohmann::json& value, const std::string& name, const std::string& place,
                        bool allow_empty) {
  std::string text = text_of(value, name, place);
  if (!allow_empty && is_blank(text))
    throw BadRecord(fmt::format("{}: field {} is empty; expected text", place, io::printable(name)));
  return text;
}

}  // namespace

JsonLinesReader::JsonLinesReader(const std::filesystem::path& path, const JsonLinesOptions& options)
    : RecordReader(options.read.bad_records), lines_(path, throwing(options.read)), options_(options) {
  if (options.texts.empty() && options.lists.empty())
    throw Error(
        fmt::format("{}: no field of its objects is asked for; at least one is needed", path.string()));
}

std::optional<JsonRecord> JsonLinesReader::read() {
  const std::optional<std::string_view> line = lines_.next();
  if (!line) return std::nullopt;
  const std::string place = this->place();
  if (is_blank(*line)) throw BadRecord(fmt::format("{}: the line is empty; expected a JSON object", place));
  const nlohmann::json object = parse_json(*line, lines_.file(), lines_.line(), 1, options_.max_depth);
  JsonRecord record;
  for (const std::string& name : options_.texts)
    record.texts.push_back(filled_text(member(object, name, place), name, place, options_.allow_empty));
  for (const std::string& name : options_.lists) {
    const nlohmann::json& value = member(object, name, place);
    std::vector<std::string>& list = record.lists.emplace_back();
    if (value.is_array()) {
      for (const nlohmann::json& item : value)
        list.push_back(filled_text(item, name, place, options_.allow_empty));
    } else {
      list.push_back(filled_text(value, name, place, options_.allow_empty));
    }
    if (list.empty() && !options_.allow_empty)
      throw BadRecord(
          fmt::format("{}: field {} is an empty list; expected texts", place, io::printable(name)));
  }
  return record;
}

}  // namespace attend::data
