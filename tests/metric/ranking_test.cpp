#include "attend/metric/ranking.h"

#include <limits>

#include "metric/golden_metrics.h"
#include "support/expect_error.h"

namespace attend::metric {
namespace {

using Queries = std::vector<RankedQuery>;
using Cutoffs = std::vector<std::int64_t>;

TEST(Ranking, EqualsRanx) {
  const auto golden = test::golden_metrics("ranking");
  Queries queries;
  for (const auto& query : golden.at("queries"))
    queries.push_back({query.at("ranked").get<Cutoffs>(), query.at("relevant").get<Cutoffs>(),
                       query.at("gains").get<std::vector<double>>()});
  const auto cutoffs = golden.at("cutoffs").get<Cutoffs>();
  const RankingScore score = ranking_score(queries, cutoffs);
  test::expect_same(score.mean_reciprocal_rank, golden.at("mrr").get<double>(), "MRR");
  for (std::size_t i = 0; i < cutoffs.size(); ++i) {
    const std::string at = "@" + std::to_string(cutoffs[i]);
    test::expect_same(score.recall[i], golden.at("recall").at(i).get<double>(), "recall" + at);
    test::expect_same(score.ndcg[i], golden.at("ndcg").at(i).get<double>(), "nDCG" + at);
  }
}

TEST(Ranking, ByHand) {
  const Cutoffs cutoffs = {1, 2, 9};
  const RankingScore score = ranking_score(Queries{{{7, 3}, {3}}, {{}, {1}}}, cutoffs);
  test::expect_same(score.mean_reciprocal_rank, 0.25, "MRR");
  EXPECT_EQ(score.recall, (std::vector<double>{0, 0.5, 0.5}));
  test::expect_same(score.ndcg[2], 0.5 / std::log2(3.0), "nDCG");
}

TEST(Ranking, RefusesWhatHasNoScore) {
  const Cutoffs one = {1};
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_ERROR(ranking_score(Queries{}, one), "ranking: no queries");
  EXPECT_ERROR(ranking_score(Queries{{{1}, {1}}}, Cutoffs{0}), "ranking: the cutoff 0");
  EXPECT_ERROR(ranking_score(Queries{{{1}, {}}}, one), "query 1 has nothing relevant");
  EXPECT_ERROR(ranking_score(Queries{{{1, 1}, {1}}}, one), "query 1 has 1 twice among the ranked");
  EXPECT_ERROR(ranking_score(Queries{{{1}, {2, 2}}}, one), "query 1 has 2 twice among the relevant");
  EXPECT_ERROR(ranking_score(Queries{{{1}, {1}, {1, 2}}}, one), "query 1 has 2 gains for 1 relevant");
  EXPECT_ERROR(ranking_score(Queries{{{1}, {1}, {nan}}}, one), "query 1 has the gain nan");
  EXPECT_ERROR(ranking_score(Queries{{{1}, {1}, {0}}}, one), "query 1 has the gain 0");
}

}  // namespace
}  // namespace attend::metric
