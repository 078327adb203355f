#include "task/search/config.h"

#include "task/config_json.h"
#include "task/option_ranges.h"
#include "task/pair_files.h"
#include "task/search/fields.h"

namespace attend::task {

namespace {

template <class Scores, class Visit>
void for_each_score(Scores& scores, Visit&& visit) {
  const Range<std::int64_t> count{0, INT64_MAX};
  const Range<double> share{0, 1.000001};
  visit("recall@1", scores.recall_1, share);
  visit("recall@10", scores.recall_10, share);
  visit("mrr", scores.mean_reciprocal_rank, share);
  visit("ndcg@10", scores.ndcg_10, share);
  visit("queries", scores.queries, count);
  visit("candidates", scores.candidates, count);
}

SearchScores read_scores(const Json& value) {
  SearchScores scores;
  read_object(value, "scores", [&](auto&& visit) { for_each_score(scores, visit); });
  return scores;
}

nn::PoolingKind read_pooling(const Json& value) {
  std::string name;
  read(value, "pooling", name);
  return nn::pooling_from_name(name);
}

}  // namespace

SearchConfig read_search_config(const std::filesystem::path& folder) {
  SearchConfig config;
  read_sections(
      folder, "search",
      {{"model", true,
        [&](const Json& value) {
          config.model.encoder = model::encoder_config_from_json(value.dump(), "\"model\"");
        }},
       {"pooling", true, [&](const Json& value) { config.model.pooling = read_pooling(value); }},
       {"tokenizer", false, [&](const Json& value) { read(value, "tokenizer", config.tokenizer); }},
       {"training", false, [&](const Json& value) { config.training = read_options<SearchOptions>(value); }},
       {"data", false, [&](const Json& value) { config.data = read_pair_facts(value); }},
       {"results", false, [&](const Json& value) { config.results = read_results(value); }},
       {"scores", false, [&](const Json& value) { config.scores = read_scores(value); }}});
  if (config.training) config.training->model = config.model.encoder;
  return config;
}

void write_search_config(const std::filesystem::path& folder, const SearchConfig& config) {
  Json sections = {{"model", Json::parse(model::to_json(config.model.encoder))},
                   {"pooling", nn::name_of(config.model.pooling)},
                   {"tokenizer", config.tokenizer}};
  if (config.data) sections["data"] = json_of_pair_facts(*config.data);
  if (config.training) sections["training"] = json_of_options(*config.training);
  if (config.results) sections["results"] = json_of_results(*config.results);
  if (config.scores)
    sections["scores"] = object_of([&](auto&& visit) { for_each_score(*config.scores, visit); });
  write_sections(folder, "search", sections);
}

}  // namespace attend::task
