#include "task/detect/config.h"

#include "attend/base/error.h"
#include "task/config_json.h"
#include "task/detect/fields.h"
#include "task/picture_facts.h"
#include "task/picture_pixels.h"

namespace attend::task {

namespace {

constexpr const char* kTask = "detect";

template <class Size, class Visit>
void for_each_side(Size& size, Visit&& visit) {
  const Range<std::int64_t> side{1, 4096};
  visit("height", size.height, side);
  visit("width", size.width, side);
}

template <class Facts, class Visit>
void for_each_fact(Facts& facts, Visit&& visit) {
  for_each_picture_fact(facts, visit);
  visit("list", facts.list, Anything{});
  visit("picture_folder", facts.picture_folder, Anything{});
  visit("objects", facts.objects, Range<std::int64_t>{0, INT64_MAX});
}

template <class Score, class Visit>
void for_each_score(Score& score, Visit&& visit) {
  const Range<double> precision{0, 1};
  visit("ap", score.ap, precision);
  visit("ap50", score.ap50, precision);
  visit("ap75", score.ap75, precision);
}

}  // namespace

DetectConfig read_detect_config(const std::filesystem::path& folder) {
  DetectConfig config;
  read_sections(
      folder, kTask,
      {{"model", true,
        [&](const Json& value) {
          config.model = model::detector_config_from_json(value.dump(), "\"model\"");
        }},
       {"classes", true, [&](const Json& value) { read(value, "classes", config.classes); }},
       {"size", true,
        [&](const Json& value) {
          read_object(value, "size", [&](auto&& visit) { for_each_side(config.size, visit); });
        }},
       {"pixels", true, [&](const Json& value) { config.pixels = read_pixels(value); }},
       {"training", false, [&](const Json& value) { config.training = read_options<DetectOptions>(value); }},
       {"data", false,
        [&](const Json& value) {
          config.data.emplace();
          read_object(value, "data", [&](auto&& visit) { for_each_fact(*config.data, visit); });
        }},
       {"results", false, [&](const Json& value) { config.results = read_results(value); }},
       {"score", false, [&](const Json& value) {
          config.score.emplace();
          read_object(value, "score", [&](auto&& visit) { for_each_score(*config.score, visit); });
        }}});
  const std::string file = (folder / kConfigFile).string();
  if (static_cast<std::int64_t>(config.classes.size()) != config.model.classes())
    throw Error(
        fmt::format("{}: {} names for {} classes", file, config.classes.size(), config.model.classes()));
  if (config.size.height == 0 || config.size.width == 0)
    throw Error(fmt::format("{}: \"size\" needs \"height\" and \"width\"", file));
  if (config.training) config.training->model = config.model;
  return config;
}

void write_detect_config(const std::filesystem::path& folder, const DetectConfig& config) {
  Json sections = {{"model", Json::parse(model::to_json(config.model))},
                   {"classes", config.classes},
                   {"size", object_of([&](auto&& visit) { for_each_side(config.size, visit); })},
                   {"pixels", json_of_pixels(config.pixels)}};
  if (config.data) sections["data"] = object_of([&](auto&& visit) { for_each_fact(*config.data, visit); });
  if (config.training) sections["training"] = json_of_options(*config.training);
  if (config.results) sections["results"] = json_of_results(*config.results);
  if (config.score)
    sections["score"] = object_of([&](auto&& visit) { for_each_score(*config.score, visit); });
  write_sections(folder, kTask, sections);
}

}  // namespace attend::task
