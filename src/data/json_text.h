#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace attend::data {

/// JSON from a file that may be hostile, which begins there at `line` and `byte` (both from 1). Throws
/// BadRecord with the place when it is not valid, or nested more than `max_depth` deep.
nlohmann::json parse_json(std::string_view text, const std::string& file, std::int64_t line,
                          std::int64_t byte, int max_depth);

/// The member `name` of an object. Throws BadRecord, naming the members there are, when it is missing.
const nlohmann::json& member(const nlohmann::json& object, const std::string& name, const std::string& place);

/// A string, integer or boolean as text. Throws BadRecord for another kind, and for a string with a NUL.
std::string text_of(const nlohmann::json& value, const std::string& name, const std::string& place);

/// "a string", "a list" and so on.
std::string kind_of(const nlohmann::json& value);

}  // namespace attend::data
