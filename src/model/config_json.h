#pragma once

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "attend/base/error.h"
#include "base/nearest.h"
#include "model/config_fields.h"

/// Reads and writes any configuration of a model whose fields for_each_field(config, visit) lists, and which
/// validate(config) checks as a whole.
namespace attend::model {

using Json = nlohmann::ordered_json;

[[noreturn]] inline void fail_value(std::string_view key, const Json& value, const std::string& accepted) {
  std::string found = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (found.size() > 60) found = found.substr(0, 60) + "...";
  throw Error(fmt::format("{} {}: {} needed", key, found, accepted));
}

inline std::int64_t parse(std::string_view key, const Json& value, const IntegerRange& range) {
  if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX))
    fail_value(key, value, range.text());
  return value.get<std::int64_t>();
}
inline double parse(std::string_view key, const Json& value, const NumberRange& range) {
  if (!value.is_number()) fail_value(key, value, range.text());
  return value.get<double>();
}
inline bool parse(std::string_view key, const Json& value, const Truth& truth) {
  if (!value.is_boolean()) fail_value(key, value, truth.text());
  return value.get<bool>();
}
inline std::string parse(std::string_view key, const Json& value, const MechanismName& mechanism) {
  if (!value.is_string()) fail_value(key, value, mechanism.text());
  return value.get<std::string>();
}
template <class Enum, std::size_t count>
Enum parse(std::string_view key, const Json& value, const Choice<Enum, count>& choice) {
  if (value.is_string())
    for (const auto& [known, name] : choice.names)
      if (value.get_ref<const std::string&>() == name) return known;
  fail_value(key, value, choice.text());
}

[[noreturn]] inline void fail_unknown(std::string_view key, const std::vector<std::string>& known) {
  const std::string shown =
      Json(std::string(key.substr(0, 60))).dump(-1, ' ', true, Json::error_handler_t::replace);
  const std::string near = nearest(key.substr(0, 60), known);
  if (!near.empty()) throw Error(fmt::format("unknown key {}; did you mean \"{}\"?", shown, near));
  throw Error(fmt::format("unknown key {}; there are: {}", shown, fmt::join(known, ", ")));
}

template <class Config>
Config config_of_object(const Json& object) {
  if (!object.is_object()) throw Error("a JSON object needed");
  Config config;
  std::vector<std::string> names;
  for_each_field(config, [&](const char* name, auto&, const auto&) { names.emplace_back(name); });
  for (const auto& [key, value] : object.items()) {
    bool known = false;
    for_each_field(config, [&, &key = key, &value = value](const char* name, auto& field, const auto& range) {
      if (key != name) return;
      known = true;
      field = parse(key, value, range);
    });
    if (!known) fail_unknown(key, names);
  }
  validate(config);
  return config;
}

/// Reads a JSON object; keys it does not have keep their defaults. Throws Error, with `source` in front, for
/// text that is not a JSON object, an unknown key, and a value that does not fit.
template <class Config>
Config config_from_json(std::string_view text, std::string_view source) {
  Json object;
  try {
    object = Json::parse(text);
  } catch (const Json::exception&) {
    throw Error(fmt::format("{}: not valid JSON", source));
  }
  try {
    return config_of_object<Config>(object);
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", source, error.what()));
  }
}

struct ConfigWriter {
  Json& object;
  template <class Value, class Range>
  void operator()(const char* key, const Value& value, const Range& range) const {
    if constexpr (std::is_enum_v<Value>)
      object[key] = range.name_of(key, value);
    else
      object[key] = value;
  }
};

/// A JSON object with every key.
template <class Config>
std::string json_of_config(const Config& config) {
  Json object = Json::object();
  for_each_field(config, ConfigWriter{object});
  return object.dump(2);
}

}  // namespace attend::model
