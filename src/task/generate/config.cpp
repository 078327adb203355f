#include "task/generate/config.h"

#include "attend/base/error.h"
#include "task/config_json.h"
#include "task/generate/fields.h"

namespace attend::task {

namespace {

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

TextFacts read_facts(const Json& value) {
  TextFacts facts;
  read_object(value, "data", [&](auto&& visit) { for_each_fact(facts, visit); });
  return facts;
}

}  // namespace

GenerateConfig read_generate_config(const std::filesystem::path& folder) {
  GenerateConfig config;
  read_sections(
      folder, "generate",
      {{"model", true,
        [&](const Json& value) { config.model = model::gpt_config_from_json(value.dump(), "\"model\""); }},
       {"tokenizer", false, [&](const Json& value) { read(value, "tokenizer", config.tokenizer); }},
       {"training", false,
        [&](const Json& value) { config.training = read_options<GenerateOptions>(value); }},
       {"data", false, [&](const Json& value) { config.data = read_facts(value); }},
       {"results", false, [&](const Json& value) { config.results = read_results(value); }}});
  if (config.training) config.training->model = config.model;
  return config;
}

void write_generate_config(const std::filesystem::path& folder, const GenerateConfig& config) {
  Json sections = {{"model", Json::parse(model::to_json(config.model))}, {"tokenizer", config.tokenizer}};
  if (config.data) sections["data"] = object_of([&](auto&& visit) { for_each_fact(*config.data, visit); });
  if (config.training) sections["training"] = json_of_options(*config.training);
  if (config.results) sections["results"] = json_of_results(*config.results);
  write_sections(folder, "generate", sections);
}

}  // namespace attend::task
