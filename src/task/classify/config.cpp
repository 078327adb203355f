#include "task/classify/config.h"

#include "attend/base/error.h"
#include "task/classify/fields.h"
#include "task/config_json.h"

namespace attend::task {

namespace {

template <class Facts, class Visit>
void for_each_fact(Facts& facts, Visit&& visit) {
  const Range<std::int64_t> count{0, INT64_MAX};
  visit("path", facts.path, Anything{});
  visit("validation_path", facts.validation_path, Anything{});
  visit("checksum", facts.checksum, Anything{});
  visit("texts", facts.texts, count);
  visit("validation_texts", facts.validation_texts, count);
  visit("tokens", facts.tokens, count);
  visit("cut", facts.cut, count);
  visit("skipped", facts.skipped, count);
}

template <class Score, class Visit>
void for_each_score(Score& score, Visit&& visit) {
  visit("accuracy", score.accuracy, Range<double>{0, 1});
  visit("macro_f1", score.macro_f1, Range<double>{0, 1});
}

const Json& checked_list(const Json& value, const char* key) {
  if (!value.is_array()) throw Error(fmt::format("\"{}\" is no list", key));
  return value;
}

data::LabelSet label_set(const Json& value) {
  std::string column;
  std::vector<std::string> labels;
  read_object(value, "columns", [&](auto&& visit) {
    visit("column", column, Anything{});
    visit("labels", labels, Anything{});
  });
  data::LabelSet set(column, labels);
  if (set.names() != labels)
    throw Error(fmt::format("the labels of column {} are not sorted and different", io::printable(column)));
  return set;
}

ClassifyFacts read_facts(const Json& value) {
  ClassifyFacts facts;
  read_object(value, "data", [&](auto&& visit) { for_each_fact(facts, visit); });
  return facts;
}

ColumnScore read_score(const Json& value) {
  ColumnScore score;
  read_object(value, "scores", [&](auto&& visit) { for_each_score(score, visit); });
  return score;
}

nn::PoolingKind read_pooling(const Json& value) {
  std::string name;
  read(value, "pooling", name);
  return nn::pooling_from_name(name);
}

void read_columns(const Json& value, ClassifyConfig& config) {
  config.model.classes.clear();
  for (const Json& column : checked_list(value, "columns")) {
    config.columns.push_back(label_set(column));
    config.model.classes.push_back(config.columns.back().size());
  }
  if (config.columns.empty()) throw Error("\"columns\" is empty");
}

}  // namespace

ClassifyConfig read_classify_config(const std::filesystem::path& folder) {
  ClassifyConfig config;
  const auto read_scores = [&](const Json& value) {
    for (const Json& score : checked_list(value, "scores")) config.scores.push_back(read_score(score));
  };
  read_sections(folder, "classify",
                {{"model", true,
                  [&](const Json& value) {
                    config.model.encoder = model::encoder_config_from_json(value.dump(), "\"model\"");
                  }},
                 {"pooling", true, [&](const Json& value) { config.model.pooling = read_pooling(value); }},
                 {"bag_of_words", false,
                  [&](const Json& value) { read(value, "bag_of_words", config.model.bag_of_words); }},
                 {"tokenizer", false, [&](const Json& value) { read(value, "tokenizer", config.tokenizer); }},
                 {"columns", true, [&](const Json& value) { read_columns(value, config); }},
                 {"training", false,
                  [&](const Json& value) { config.training = read_options<ClassifyOptions>(value); }},
                 {"data", false, [&](const Json& value) { config.data = read_facts(value); }},
                 {"results", false, [&](const Json& value) { config.results = read_results(value); }},
                 {"scores", false, read_scores}});
  if (config.model.bag_of_words < 0 || config.model.bag_of_words > config.model.encoder.vocabulary)
    throw Error(fmt::format("{}: bag_of_words {}: a number of words up to the vocabulary of {} needed",
                            (folder / kConfigFile).string(), config.model.bag_of_words,
                            config.model.encoder.vocabulary));
  if (config.training) config.training->model = config.model.encoder;
  return config;
}

void write_classify_config(const std::filesystem::path& folder, const ClassifyConfig& config) {
  Json sections = {{"model", Json::parse(model::to_json(config.model.encoder))},
                   {"pooling", nn::name_of(config.model.pooling)},
                   {"bag_of_words", config.model.bag_of_words},
                   {"tokenizer", config.tokenizer},
                   {"columns", Json::array()}};
  for (const data::LabelSet& column : config.columns)
    sections["columns"].push_back({{"column", column.column()}, {"labels", column.names()}});
  if (config.data) sections["data"] = object_of([&](auto&& visit) { for_each_fact(*config.data, visit); });
  if (config.training) sections["training"] = json_of_options(*config.training);
  if (config.results) sections["results"] = json_of_results(*config.results);
  for (const ColumnScore& score : config.scores)
    sections["scores"].push_back(object_of([&](auto&& visit) { for_each_score(score, visit); }));
  write_sections(folder, "classify", sections);
}

}  // namespace attend::task
