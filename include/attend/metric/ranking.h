#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace attend::metric {

/// What a search found for one query.
struct RankedQuery {
  /// Numbers of what was found, the best first, each once.
  std::vector<std::int64_t> ranked;
  /// Numbers of what should be found, each once, at least one.
  std::vector<std::int64_t> relevant;
  /// How much each of `relevant` is worth, above 0; empty: 1 each.
  std::vector<double> gains = {};
};

/// Means over queries, each in [0, 1].
struct RankingScore {
  /// 1 / place of the first relevant one, places from 1; 0 when there is none.
  double mean_reciprocal_rank = 0;
  /// For each cutoff k: the share of the relevant that is among the first k.
  std::vector<double> recall;
  /// For each cutoff k: DCG / (DCG of the best order), DCG = sum over places i <= k of gain / log2(i + 1)
  /// (Jarvelin and Kekalainen, 2002).
  std::vector<double> ndcg;
};

/// Throws Error when there is no query, a query has nothing relevant, a number stands twice, gains are not as
/// many as the relevant or not above 0, or a cutoff is below 1.
RankingScore ranking_score(std::span<const RankedQuery> queries, std::span<const std::int64_t> cutoffs);

}  // namespace attend::metric
