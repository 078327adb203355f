#include "task/answer/config.h"

#include "task/answer/fields.h"
#include "task/config_json.h"
#include "task/option_ranges.h"

namespace attend::task {

namespace {

template <class Facts, class Visit>
void for_each_fact(Facts& facts, Visit&& visit) {
  const Range<std::int64_t> count{0, INT64_MAX};
  visit("path", facts.path, Anything{});
  visit("validation_path", facts.validation_path, Anything{});
  visit("checksum", facts.checksum, Anything{});
  visit("questions", facts.questions, count);
  visit("validation_questions", facts.validation_questions, count);
  visit("without_answer", facts.without_answer, count);
  visit("texts", facts.texts, count);
  visit("windows", facts.windows, count);
  visit("tokens", facts.tokens, count);
  visit("skipped", facts.skipped, count);
}

template <class Scores, class Visit>
void for_each_score(Scores& scores, Visit&& visit) {
  visit("exact", scores.exact, Range<double>{0, 100.0001});
  visit("f1", scores.f1, Range<double>{0, 100.0001});
}

QuestionFacts read_facts(const Json& value) {
  QuestionFacts facts;
  read_object(value, "data", [&](auto&& visit) { for_each_fact(facts, visit); });
  return facts;
}

AnswerScores read_scores(const Json& value) {
  AnswerScores scores;
  read_object(value, "scores", [&](auto&& visit) { for_each_score(scores, visit); });
  return scores;
}

}  // namespace

AnswerConfig read_answer_config(const std::filesystem::path& folder) {
  AnswerConfig config;
  read_sections(
      folder, "answer",
      {{"model", true,
        [&](const Json& value) {
          config.model = model::encoder_config_from_json(value.dump(), "\"model\"");
          if (config.model.segments != 2) throw Error("\"segments\": a question and a text are 2");
        }},
       {"tokenizer", false, [&](const Json& value) { read(value, "tokenizer", config.tokenizer); }},
       {"training", false, [&](const Json& value) { config.training = read_options<AnswerOptions>(value); }},
       {"data", false, [&](const Json& value) { config.data = read_facts(value); }},
       {"results", false, [&](const Json& value) { config.results = read_results(value); }},
       {"scores", false, [&](const Json& value) { config.scores = read_scores(value); }},
       {"no_answer", false,
        [&](const Json& value) { read(value, "no_answer", config.no_answer.emplace()); }}});
  if (config.training) config.training->model = config.model;
  return config;
}

void write_answer_config(const std::filesystem::path& folder, const AnswerConfig& config) {
  Json sections = {{"model", Json::parse(model::to_json(config.model))}, {"tokenizer", config.tokenizer}};
  if (config.data) sections["data"] = object_of([&](auto&& visit) { for_each_fact(*config.data, visit); });
  if (config.training) sections["training"] = json_of_options(*config.training);
  if (config.results) sections["results"] = json_of_results(*config.results);
  if (config.scores)
    sections["scores"] = object_of([&](auto&& visit) { for_each_score(*config.scores, visit); });
  if (config.no_answer) sections["no_answer"] = *config.no_answer;
  write_sections(folder, "answer", sections);
}

}  // namespace attend::task
