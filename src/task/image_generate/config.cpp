#include "task/image_generate/config.h"

#include "attend/base/error.h"
#include "task/config_json.h"
#include "task/image_generate/fields.h"
#include "task/picture_facts.h"

namespace attend::task {

namespace {

constexpr const char* kTask = "image-generate";

}  // namespace

ImageGenerateConfig read_image_generate_config(const std::filesystem::path& folder) {
  ImageGenerateConfig config;
  read_sections(folder, kTask,
                {{"model", true,
                  [&](const Json& value) {
                    config.model = model::image_generation_config_from_json(value.dump(), "\"model\"");
                  }},
                 {"classes", true, [&](const Json& value) { read(value, "classes", config.classes); }},
                 {"training", false,
                  [&](const Json& value) { config.training = read_options<ImageGenerateOptions>(value); }},
                 {"data", false,
                  [&](const Json& value) {
                    config.data.emplace();
                    read_object(value, "data",
                                [&](auto&& visit) { for_each_picture_fact(*config.data, visit); });
                  }},
                 {"results", false, [&](const Json& value) { config.results = read_results(value); }}});
  if (static_cast<std::int64_t>(config.classes.size()) != config.model.classes)
    throw Error(fmt::format("{}: {} names for {} classes", (folder / kConfigFile).string(),
                            config.classes.size(), config.model.classes));
  if (config.training) config.training->model = config.model;
  return config;
}

void write_image_generate_config(const std::filesystem::path& folder, const ImageGenerateConfig& config) {
  Json sections = {{"model", Json::parse(model::to_json(config.model))}, {"classes", config.classes}};
  if (config.data)
    sections["data"] = object_of([&](auto&& visit) { for_each_picture_fact(*config.data, visit); });
  if (config.training) sections["training"] = json_of_options(*config.training);
  if (config.results) sections["results"] = json_of_results(*config.results);
  write_sections(folder, kTask, sections);
}

}  // namespace attend::task
