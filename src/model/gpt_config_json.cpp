#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "attend/base/error.h"
#include "attend/model/gpt_config.h"
#include "base/nearest.h"
#include "model/gpt_fields.h"

namespace attend::model {

namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void fail(std::string_view key, const Json& value, const std::string& accepted) {
  std::string found = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (found.size() > 60) found = found.substr(0, 60) + "...";
  throw Error(fmt::format("{} {}: {} needed", key, found, accepted));
}

std::int64_t parse(std::string_view key, const Json& value, const IntegerRange& range) {
  if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX))
    fail(key, value, range.text());
  return value.get<std::int64_t>();
}
double parse(std::string_view key, const Json& value, const NumberRange& range) {
  if (!value.is_number()) fail(key, value, range.text());
  return value.get<double>();
}
bool parse(std::string_view key, const Json& value, const Truth& truth) {
  if (!value.is_boolean()) fail(key, value, truth.text());
  return value.get<bool>();
}
std::string parse(std::string_view key, const Json& value, const CausalMechanism& mechanism) {
  if (!value.is_string()) fail(key, value, mechanism.text());
  return value.get<std::string>();
}
template <class Enum, std::size_t count>
Enum parse(std::string_view key, const Json& value, const Choice<Enum, count>& choice) {
  if (value.is_string())
    for (const auto& [known, name] : choice.names)
      if (value.get_ref<const std::string&>() == name) return known;
  fail(key, value, choice.text());
}

[[noreturn]] void fail_unknown(std::string_view key) {
  const std::string shown =
      Json(std::string(key.substr(0, 60))).dump(-1, ' ', true, Json::error_handler_t::replace);
  GptConfig config;
  std::vector<std::string> known;
  for_each_field(config, [&](const char* name, auto&, const auto&) { known.emplace_back(name); });
  const std::string near = nearest(key.substr(0, 60), known);
  if (!near.empty()) throw Error(fmt::format("unknown key {}; did you mean \"{}\"?", shown, near));
  throw Error(fmt::format("unknown key {}; there are: {}", shown, fmt::join(known, ", ")));
}

GptConfig read(const Json& object) {
  if (!object.is_object()) throw Error("a JSON object needed");
  GptConfig config;
  for (const auto& [key, value] : object.items()) {
    bool known = false;
    for_each_field(config, [&, &key = key, &value = value](const char* name, auto& field, const auto& range) {
      if (key != name) return;
      known = true;
      field = parse(key, value, range);
    });
    if (!known) fail_unknown(key);
  }
  validate(config);
  return config;
}

struct Writer {
  Json& object;
  template <class Value, class Range>
  void operator()(const char* key, const Value& value, const Range& range) const {
    if constexpr (std::is_enum_v<Value>)
      object[key] = range.name_of(key, value);
    else
      object[key] = value;
  }
};

}  // namespace

std::string to_json(const GptConfig& config) {
  Json object = Json::object();
  for_each_field(config, Writer{object});
  return object.dump(2);
}

GptConfig gpt_config_from_json(std::string_view text, std::string_view source) {
  Json object;
  try {
    object = Json::parse(text);
  } catch (const Json::exception&) {
    throw Error(fmt::format("{}: not valid JSON", source));
  }
  try {
    return read(object);
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", source, error.what()));
  }
}

}  // namespace attend::model
