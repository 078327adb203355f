#include "data/json_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "attend/data/records.h"
#include "data/record_messages.h"
#include "io/printable.h"

namespace attend::data {

using Json = nlohmann::json;

Json parse_json(std::string_view text, const std::string& file, std::int64_t line, std::int64_t byte,
                int max_depth) {
  const auto bad_at = [&](std::size_t offset, const std::string& what) {
    const std::string_view before = text.substr(0, offset);
    const std::size_t line_end = before.rfind('\n');
    const auto lines = std::count(before.begin(), before.end(), '\n');
    const auto column = static_cast<std::int64_t>(lines > 0 ? before.size() - line_end - 1 : before.size());
    return BadRecord(fmt::format("{}, line {}, byte {}: {}", file, line + lines,
                                 lines > 0 ? column + 1 : byte + column, what));
  };
  try {
    return Json::parse(text, [&](int depth, Json::parse_event_t event, Json&) {
      const bool opens =
          event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start;
      if (opens && depth >= max_depth)
        throw BadRecord(fmt::format("{}, line {}: the JSON is nested too deeply; expected at most {} levels",
                                    file, line, max_depth));
      return true;
    });
  } catch (const Json::parse_error& error) {
    // The byte counts the characters that were read, the wrong one or the end among them.
    const std::size_t offset = error.byte > 0 ? error.byte - 1 : 0;
    if (offset >= text.size()) throw bad_at(text.size(), "the JSON ends too early");
    throw bad_at(offset, "invalid JSON: found " + io::printable(text.substr(offset, 20)));
  } catch (const Json::exception&) {
    throw BadRecord(fmt::format("{}, line {}: a number in the JSON is too large", file, line));
  }
}

const Json& member(const Json& object, const std::string& name, const std::string& place) {
  if (!object.is_object())
    throw BadRecord(fmt::format("{}: found {}; expected a JSON object with {}", place, kind_of(object),
                                io::printable(name)));
  const auto found = object.find(name);
  if (found != object.end()) return *found;
  std::vector<std::string> known;
  for (const auto& entry : object.items()) known.push_back(entry.key());
  throw BadRecord(fmt::format("{}: {}", place, missing_name("field", name, known)));
}

std::string text_of(const Json& value, const std::string& name, const std::string& place) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (text.find('\0') == text.npos) return text;
    throw BadRecord(
        fmt::format("{}: field {} has a NUL character; expected text", place, io::printable(name)));
  }
  if (value.is_number_integer() || value.is_boolean()) return value.dump();
  throw BadRecord(
      fmt::format("{}: field {} is {}; expected a string", place, io::printable(name), kind_of(value)));
}

std::string kind_of(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return "null";
    case Json::value_t::object:
      return "an object";
    case Json::value_t::array:
      return "a list";
    case Json::value_t::string:
      return "a string";
    case Json::value_t::boolean:
      return "a boolean";
    default:
      return "a number";
  }
}

}  // namespace attend::data
