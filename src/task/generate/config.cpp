#include "task/generate/config.h"

#include "attend/base/error.h"
#include "task/config_json.h"
#include "task/generate/fields.h"

namespace attend::task {

GenerateConfig read_generate_config(const std::filesystem::path& folder) {
  GenerateConfig config;
  read_sections(
      folder, "generate",
      {{"model", true,
        [&](const Json& value) { config.model = model::gpt_config_from_json(value.dump(), "\"model\""); }},
       {"tokenizer", false, [&](const Json& value) { read(value, "tokenizer", config.tokenizer); }},
       {"training", false,
        [&](const Json& value) { config.training = read_options<GenerateOptions>(value); }},
       {"data", false, [&](const Json& value) { config.data = read_text_facts(value); }},
       {"results", false, [&](const Json& value) { config.results = read_results(value); }}});
  if (config.training) config.training->model = config.model;
  return config;
}

void write_generate_config(const std::filesystem::path& folder, const GenerateConfig& config) {
  Json sections = {{"model", Json::parse(model::to_json(config.model))}, {"tokenizer", config.tokenizer}};
  if (config.data) sections["data"] = json_of_text_facts(*config.data);
  if (config.training) sections["training"] = json_of_options(*config.training);
  if (config.results) sections["results"] = json_of_results(*config.results);
  write_sections(folder, "generate", sections);
}

}  // namespace attend::task
