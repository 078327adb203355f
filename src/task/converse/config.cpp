#include "task/converse/config.h"

#include "task/config_json.h"
#include "task/option_ranges.h"

namespace attend::task {

namespace {

template <class Config, class Visit>
void for_each_key(Config& config, Visit&& visit) {
  const Range<std::int64_t> count{0, INT64_MAX};
  visit("answers", config.answers, count);
  visit("paragraphs", config.paragraphs, count);
  visit("documents", config.documents, Anything{});
  visit("generates", config.generates, Anything{});
}

}  // namespace

ConverseConfig read_converse_config(const std::filesystem::path& folder) {
  ConverseConfig config;
  read_sections(folder, "converse",
                {{"replies", true,
                  [&](const Json& value) {
                    read_object(value, "replies", [&](auto&& visit) { for_each_key(config, visit); });
                  }},
                 {"results", false, [&](const Json& value) { config.results = read_results(value); }}});
  return config;
}

void write_converse_config(const std::filesystem::path& folder, const ConverseConfig& config) {
  Json sections = {{"replies", object_of([&](auto&& visit) { for_each_key(config, visit); })}};
  if (config.results) sections["results"] = json_of_results(*config.results);
  write_sections(folder, "converse", sections);
}

}  // namespace attend::task
