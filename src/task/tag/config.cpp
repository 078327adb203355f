#include "task/tag/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "attend/base/error.h"
#include "task/config_json.h"
#include "task/tag/characters.h"
#include "task/tag/fields.h"

namespace attend::task {

namespace {

template <class Facts, class Visit>
void for_each_fact(Facts& facts, Visit&& visit) {
  const Range<std::int64_t> count{0, INT64_MAX};
  visit("path", facts.path, Anything{});
  visit("validation_path", facts.validation_path, Anything{});
  visit("checksum", facts.checksum, Anything{});
  visit("sentences", facts.sentences, count);
  visit("validation_sentences", facts.validation_sentences, count);
  visit("words", facts.words, count);
  visit("tokens", facts.tokens, count);
  visit("skipped", facts.skipped, count);
}

template <class Scores, class Visit>
void for_each_score(Scores& scores, Visit&& visit) {
  visit("accuracy", scores.accuracy, Range<double>{0, 1});
  visit("span_f1", scores.span_f1, Range<double>{0, 1});
}

TagFacts read_facts(const Json& value) {
  TagFacts facts;
  read_object(value, "data", [&](auto&& visit) { for_each_fact(facts, visit); });
  return facts;
}

TagScores read_scores(const Json& value) {
  TagScores scores;
  read_object(value, "scores", [&](auto&& visit) { for_each_score(scores, visit); });
  return scores;
}

bool read_head(const Json& value) {
  std::string head;
  read(value, "head", head);
  Words{{"crf", "softmax"}}.check("\"head\"", head);
  return head == "crf";
}

std::vector<std::string> read_tags(const Json& value) {
  std::vector<std::string> tags;
  read(value, "tags", tags);
  if (tags.empty() || std::ranges::adjacent_find(tags, std::greater_equal<>()) != tags.end())
    throw Error("\"tags\" are not sorted and different, or there is none");
  return tags;
}

void read_characters(const Json& value, TagConfig& config) {
  read_object(value, "characters", [&](auto&& visit) {
    visit("known", config.characters, Anything{});
    visit("filters", config.model.character_filters, Range<std::int64_t>{1, 1 << 16});
  });
  config.model.characters = CharacterSet(config.characters).size();
}

}  // namespace

TagConfig read_tag_config(const std::filesystem::path& folder) {
  TagConfig config;
  read_sections(
      folder, "tag",
      {{"model", true,
        [&](const Json& value) {
          config.model.encoder = model::encoder_config_from_json(value.dump(), "\"model\"");
        }},
       {"head", true, [&](const Json& value) { config.model.crf = read_head(value); }},
       {"tags", true, [&](const Json& value) { config.tags = read_tags(value); }},
       {"characters", false, [&](const Json& value) { read_characters(value, config); }},
       {"tokenizer", false, [&](const Json& value) { read(value, "tokenizer", config.tokenizer); }},
       {"training", false, [&](const Json& value) { config.training = read_options<TagOptions>(value); }},
       {"data", false, [&](const Json& value) { config.data = read_facts(value); }},
       {"results", false, [&](const Json& value) { config.results = read_results(value); }},
       {"scores", false, [&](const Json& value) { config.scores = read_scores(value); }}});
  config.model.tags = static_cast<std::int64_t>(config.tags.size());
  if (config.training) config.training->model = config.model.encoder;
  return config;
}

void write_tag_config(const std::filesystem::path& folder, const TagConfig& config) {
  Json sections = {{"model", Json::parse(model::to_json(config.model.encoder))},
                   {"head", config.model.crf ? "crf" : "softmax"},
                   {"tags", config.tags},
                   {"tokenizer", config.tokenizer}};
  if (config.model.character_filters > 0)
    sections["characters"] = {{"known", config.characters}, {"filters", config.model.character_filters}};
  if (config.data) sections["data"] = object_of([&](auto&& visit) { for_each_fact(*config.data, visit); });
  if (config.training) sections["training"] = json_of_options(*config.training);
  if (config.results) sections["results"] = json_of_results(*config.results);
  if (config.scores)
    sections["scores"] = object_of([&](auto&& visit) { for_each_score(*config.scores, visit); });
  write_sections(folder, "tag", sections);
}

}  // namespace attend::task
