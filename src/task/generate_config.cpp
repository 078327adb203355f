#include "task/generate_config.h"

#include <fmt/format.h>

#include <charconv>

#include "attend/base/error.h"
#include "attend/base/version.h"
#include "attend/io/file.h"
#include "io/printable.h"
#include "task/generate_fields.h"
#include "task/model_folder.h"

namespace attend::task {

namespace {

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

/// The fields of an object by `fields(visit)`, each of which must be known.
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

template <class Facts, class Visit>
void for_each_fact(Facts& facts, Visit&& visit) {
  const Range<std::int64_t> count{0, INT64_MAX};
  visit("path", facts.path, Anything{});
  visit("checksum", facts.checksum, Anything{});
  visit("bytes", facts.bytes, count);
  visit("characters", facts.characters, count);
  visit("tokens", facts.tokens, count);
  visit("validation_tokens", facts.validation_tokens, count);
  visit("validation_characters", facts.validation_characters, count);
}

template <class Results, class Visit>
void for_each_result(Results& results, Visit&& visit) {
  const Range<std::int64_t> count{0, INT64_MAX};
  visit("ended", results.ended, Anything{});
  visit("step", results.step, count);
  visit("seconds", results.seconds, Anything{});
  visit("best_step", results.best_step, count);
}

GenerateConfig parse(const Json& object) {
  GenerateConfig config;
  bool has_model = false;
  for (const auto& item : object.items()) {
    const std::string& key = item.key();
    const Json& value = item.value();
    if (key == "format" || key == "task" || key == "attend") continue;
    if (key == "model") {
      config.model = model::gpt_config_from_json(value.dump(), "\"model\"");
      has_model = true;
    } else if (key == "tokenizer") {
      read(value, key, config.tokenizer);
    } else if (key == "training") {
      GenerateOptions options;
      read_object(value, key, [&](auto&& visit) { for_each_option(options, visit); });
      config.training = options;
    } else if (key == "data") {
      TextFacts facts;
      read_object(value, key, [&](auto&& visit) { for_each_fact(facts, visit); });
      config.data = facts;
    } else if (key == "results") {
      GenerateResults results;
      Json rest = value;
      if (rest.is_object() && rest.contains("validation_loss")) {
        double loss = 0;
        read(rest["validation_loss"], "validation_loss", loss);
        results.validation_loss = loss;
        rest.erase("validation_loss");
      }
      read_object(rest, key, [&](auto&& visit) { for_each_result(results, visit); });
      config.results = results;
    } else {
      throw Error(fmt::format("unknown key {}", io::printable(key)));
    }
  }
  if (!has_model) throw Error("\"model\" is missing");
  if (config.training) config.training->model = config.model;
  return config;
}

}  // namespace

GenerateConfig read_generate_config(const std::filesystem::path& folder) {
  const Json object = read_config(folder);
  const std::string path = (folder / kConfigFile).string();
  if (object["task"] != "generate")
    throw Error(fmt::format("{}: a model of the task {}, one of generate is needed", path,
                            io::printable(object["task"].get<std::string>())));
  try {
    return parse(object);
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", path, error.what()));
  }
}

void write_generate_config(const std::filesystem::path& folder, const GenerateConfig& config) {
  Json object = {{"format", kFormat},
                 {"task", "generate"},
                 {"attend", version()},
                 {"model", Json::parse(model::to_json(config.model))},
                 {"tokenizer", config.tokenizer}};
  const auto put = [&object](const char* section) {
    return
        [&object, section](const char* key, const auto& value, const auto&) { object[section][key] = value; };
  };
  if (config.data) for_each_fact(*config.data, put("data"));
  if (config.training) for_each_option(*config.training, put("training"));
  if (config.results) {
    for_each_result(*config.results, put("results"));
    if (config.results->validation_loss)
      object["results"]["validation_loss"] = *config.results->validation_loss;
  }
  io::write_file_atomically(folder / kConfigFile,
                            object.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace attend::task
