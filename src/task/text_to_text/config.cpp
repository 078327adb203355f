#include "task/text_to_text/config.h"

#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/task/task.h"
#include "task/config_json.h"
#include "task/option_ranges.h"
#include "task/pair_files.h"
#include "task/text_to_text/fields.h"

namespace attend::task {

namespace {

template <class Head, class Visit>
void for_each_alignment_key(Head& head, Visit&& visit) {
  const Range<std::int64_t> count{0, INT64_MAX};
  visit("layer", head.layer, count);
  visit("head", head.head, count);
  visit("agreement", head.agreement, Range<double>{0, 1});
  visit("sharpness", head.sharpness, Range<double>{0, 1.01});
}

AlignmentHead read_alignment(const Json& value, const model::EncoderDecoderConfig& model) {
  AlignmentHead head;
  read_object(value, "alignment", [&](auto&& visit) { for_each_alignment_key(head, visit); });
  if (head.layer >= model.cross_layers() || head.head >= model.heads())
    throw Error(fmt::format("\"alignment\": layer {} and head {} of a model with {} and {}", head.layer,
                            head.head, model.cross_layers(), model.heads()));
  return head;
}

}  // namespace

TextToTextConfig read_text_to_text_config(const std::filesystem::path& folder) {
  TextToTextConfig config;
  Json alignment;
  config.task = task_of_folder(folder).name == "summarize" ? "summarize" : "translate";
  read_sections(folder, config.task,
                {{"model", true,
                  [&](const Json& value) {
                    config.model = model::encoder_decoder_config_from_json(value.dump(), "\"model\"");
                  }},
                 {"tokenizer", false, [&](const Json& value) { read(value, "tokenizer", config.tokenizer); }},
                 {"training", false,
                  [&](const Json& value) { config.training = read_options<TextToTextOptions>(value); }},
                 {"data", false, [&](const Json& value) { config.data = read_pair_facts(value); }},
                 {"results", false, [&](const Json& value) { config.results = read_results(value); }},
                 {"alignment", false, [&](const Json& value) { alignment = value; }}});
  if (!alignment.is_null()) config.alignment = read_alignment(alignment, config.model);
  if (config.training) config.training->model = config.model;
  return config;
}

void write_text_to_text_config(const std::filesystem::path& folder, const TextToTextConfig& config) {
  Json sections = {{"model", Json::parse(model::to_json(config.model))}, {"tokenizer", config.tokenizer}};
  if (config.data) sections["data"] = json_of_pair_facts(*config.data);
  if (config.training) sections["training"] = json_of_options(*config.training);
  if (config.results) sections["results"] = json_of_results(*config.results);
  if (config.alignment)
    sections["alignment"] =
        object_of([&](auto&& visit) { for_each_alignment_key(*config.alignment, visit); });
  write_sections(folder, config.task, sections);
}

}  // namespace attend::task
