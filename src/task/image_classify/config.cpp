#include "task/image_classify/config.h"

#include "attend/base/error.h"
#include "task/config_json.h"
#include "task/image_classify/fields.h"
#include "task/picture_facts.h"
#include "task/picture_pixels.h"

namespace attend::task {

namespace {

constexpr const char* kTask = "image-classify";

template <class Score, class Visit>
void for_each_score(Score& score, Visit&& visit) {
  const Range<double> share{0, 1};
  visit("accuracy", score.accuracy, share);
  visit("top5", score.top5, share);
  visit("macro_f1", score.macro_f1, share);
}

}  // namespace

ImageClassifyConfig read_image_classify_config(const std::filesystem::path& folder) {
  ImageClassifyConfig config;
  read_sections(folder, kTask,
                {{"model", true,
                  [&](const Json& value) {
                    config.model = model::image_classifier_config_from_json(value.dump(), "\"model\"");
                  }},
                 {"classes", true, [&](const Json& value) { read(value, "classes", config.classes); }},
                 {"pixels", true, [&](const Json& value) { config.pixels = read_pixels(value); }},
                 {"training", false,
                  [&](const Json& value) { config.training = read_options<ImageClassifyOptions>(value); }},
                 {"data", false,
                  [&](const Json& value) {
                    config.data.emplace();
                    read_object(value, "data",
                                [&](auto&& visit) { for_each_picture_fact(*config.data, visit); });
                  }},
                 {"results", false, [&](const Json& value) { config.results = read_results(value); }},
                 {"score", false, [&](const Json& value) {
                    config.score.emplace();
                    read_object(value, "score", [&](auto&& visit) { for_each_score(*config.score, visit); });
                  }}});
  if (static_cast<std::int64_t>(config.classes.size()) != config.model.pictures().classes)
    throw Error(fmt::format("{}: {} names for {} classes", (folder / kConfigFile).string(),
                            config.classes.size(), config.model.pictures().classes));
  if (config.training) config.training->model = config.model;
  return config;
}

void write_image_classify_config(const std::filesystem::path& folder, const ImageClassifyConfig& config) {
  Json sections = {{"model", Json::parse(model::to_json(config.model))},
                   {"classes", config.classes},
                   {"pixels", json_of_pixels(config.pixels)}};
  if (config.data)
    sections["data"] = object_of([&](auto&& visit) { for_each_picture_fact(*config.data, visit); });
  if (config.training) sections["training"] = json_of_options(*config.training);
  if (config.results) sections["results"] = json_of_results(*config.results);
  if (config.score)
    sections["score"] = object_of([&](auto&& visit) { for_each_score(*config.score, visit); });
  write_sections(folder, kTask, sections);
}

}  // namespace attend::task
