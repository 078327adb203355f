#include "task/config_json.h"

#include "attend/base/version.h"
#include "attend/io/file.h"
#include "task/option_ranges.h"

namespace attend::task {

namespace {

template <class Results, class Visit>
void for_each_result(Results& results, Visit&& visit) {
  const Range<std::int64_t> count{0, INT64_MAX};
  visit("ended", results.ended, Anything{});
  visit("step", results.step, count);
  visit("seconds", results.seconds, Anything{});
  visit("best_step", results.best_step, count);
}

template <class Facts, class Visit>
void for_each_text_fact(Facts& facts, Visit&& visit) {
  const Range<std::int64_t> count{0, INT64_MAX};
  visit("path", facts.path, Anything{});
  visit("checksum", facts.checksum, Anything{});
  visit("bytes", facts.bytes, count);
  visit("characters", facts.characters, count);
  visit("tokens", facts.tokens, count);
  visit("validation_tokens", facts.validation_tokens, count);
  visit("validation_characters", facts.validation_characters, count);
}

void read_section(const Json& value, const std::string& key, const std::vector<Section>& sections) {
  for (const Section& section : sections) {
    if (key == section.key) return section.read(value);
  }
  throw Error(fmt::format("unknown key {}", io::printable(key)));
}

}  // namespace

void read(const Json& value, std::string_view key, std::string& field) {
  if (!value.is_string()) throw Error(fmt::format("\"{}\" is no text", key));
  field = value.get<std::string>();
}
void read(const Json& value, std::string_view key, bool& field) {
  if (!value.is_boolean()) throw Error(fmt::format("\"{}\" is neither true nor false", key));
  field = value.get<bool>();
}
void read(const Json& value, std::string_view key, double& field) {
  if (!value.is_number()) throw Error(fmt::format("\"{}\" is no number", key));
  field = value.get<double>();
}
void read(const Json& value, std::string_view key, std::int64_t& field) {
  if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX))
    throw Error(fmt::format("\"{}\" is no whole number", key));
  field = value.get<std::int64_t>();
}
void read(const Json& value, std::string_view key, std::uint64_t& field) {
  if (!value.is_number_unsigned()) throw Error(fmt::format("\"{}\" is no whole number of at least 0", key));
  field = value.get<std::uint64_t>();
}
void read(const Json& value, std::string_view key, std::vector<std::string>& field) {
  if (!value.is_array()) throw Error(fmt::format("\"{}\" is no list", key));
  field.clear();
  for (const Json& entry : value) read(entry, key, field.emplace_back());
}

TrainingResults read_results(const Json& value) {
  TrainingResults results;
  Json rest = value;
  if (rest.is_object() && rest.contains("validation_loss")) {
    double loss = 0;
    read(rest["validation_loss"], "validation_loss", loss);
    results.validation_loss = loss;
    rest.erase("validation_loss");
  }
  read_object(rest, "results", [&](auto&& visit) { for_each_result(results, visit); });
  return results;
}

Json json_of_results(const TrainingResults& results) {
  Json object = object_of([&](auto&& visit) { for_each_result(results, visit); });
  if (results.validation_loss) object["validation_loss"] = *results.validation_loss;
  return object;
}

TextFacts read_text_facts(const Json& value) {
  TextFacts facts;
  read_object(value, "data", [&](auto&& visit) { for_each_text_fact(facts, visit); });
  return facts;
}

Json json_of_text_facts(const TextFacts& facts) {
  return object_of([&](auto&& visit) { for_each_text_fact(facts, visit); });
}

void read_sections(const std::filesystem::path& folder, std::string_view task,
                   const std::vector<Section>& sections) {
  const Json object = read_config(folder);
  const std::string path = (folder / kConfigFile).string();
  if (object["task"] != task)
    throw Error(fmt::format("{}: a model of the task {}, one of {} is needed", path,
                            io::printable(object["task"].get<std::string>()), task));
  try {
    for (const auto& item : object.items()) {
      if (item.key() == "format" || item.key() == "task" || item.key() == "attend") continue;
      read_section(item.value(), item.key(), sections);
    }
    for (const Section& section : sections) {
      if (section.required && !object.contains(section.key))
        throw Error(fmt::format("\"{}\" is missing", section.key));
    }
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", path, error.what()));
  }
}

void write_sections(const std::filesystem::path& folder, std::string_view task, const Json& sections) {
  Json object = {{"format", kFormat}, {"task", task}, {"attend", version()}};
  object.update(sections);
  io::write_file_atomically(folder / kConfigFile,
                            object.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace attend::task
