#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "attend/base/error.h"
#include "attend/task/text_facts.h"
#include "attend/task/training.h"
#include "io/printable.h"
#include "task/model_folder.h"

namespace attend::task {

/// Each reads a value of config.json. Throws Error naming the key when the value is of another type.
void read(const Json& value, std::string_view key, std::string& field);
void read(const Json& value, std::string_view key, bool& field);
void read(const Json& value, std::string_view key, double& field);
void read(const Json& value, std::string_view key, std::int64_t& field);
void read(const Json& value, std::string_view key, std::uint64_t& field);
void read(const Json& value, std::string_view key, std::vector<std::string>& field);

/// The fields of an object by `fields(visit)`, which calls visit(key, field, accepted) for each. Throws Error
/// for a key that is none of them.
template <class Fields>
void read_object(const Json& object, std::string_view section, Fields&& fields) {
  if (!object.is_object()) throw Error(fmt::format("\"{}\" is no object", section));
  for (const auto& item : object.items()) {
    bool known = false;
    fields([&](const char* key, auto& field, const auto& accepted) {
      if (item.key() != key) return;
      known = true;
      read(item.value(), key, field);
      accepted.check(fmt::format("\"{}\"", key), field);
    });
    if (!known) throw Error(fmt::format("unknown key {} in \"{}\"", io::printable(item.key()), section));
  }
}

/// The object that read_object() reads.
template <class Fields>
Json object_of(Fields&& fields) {
  Json object = Json::object();
  fields([&object](const char* key, const auto& value, const auto&) { object[key] = value; });
  return object;
}

/// "training" of config.json: the options that for_each_option lists.
template <class Options>
Options read_options(const Json& value) {
  Options options;
  read_object(value, "training", [&](auto&& visit) { for_each_option(options, visit); });
  return options;
}
template <class Options>
Json json_of_options(const Options& options) {
  return object_of([&](auto&& visit) { for_each_option(options, visit); });
}

TrainingResults read_results(const Json& value);
Json json_of_results(const TrainingResults& results);

/// "data" of config.json of a task that learns from text alone.
TextFacts read_text_facts(const Json& value);
Json json_of_text_facts(const TextFacts& facts);

/// One section of config.json.
struct Section {
  const char* key;
  bool required;
  std::function<void(const Json& value)> read;
};

/// Reads config.json of a model of `task`, section by section, in the order of the file. Throws Error naming
/// the file as read_config() does, and for another task, an unknown section, a missing one, and what the
/// sections throw.
void read_sections(const std::filesystem::path& folder, std::string_view task,
                   const std::vector<Section>& sections);

/// Replaces config.json as a whole: what every task's begins with, then the sections.
void write_sections(const std::filesystem::path& folder, std::string_view task, const Json& sections);

}  // namespace attend::task
