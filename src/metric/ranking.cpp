#include "attend/metric/ranking.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <unordered_map>
#include <unordered_set>

#include "attend/base/error.h"

namespace attend::metric {
namespace {

/// Gain of each relevant number of the query at `index`.
std::unordered_map<std::int64_t, double> checked_gains(const RankedQuery& query, std::size_t index) {
  const auto refuse = [index](const std::string& why) {
    throw Error(fmt::format("ranking: query {} {}", index + 1, why));
  };
  if (query.relevant.empty()) refuse("has nothing relevant; at least one is needed");
  if (!query.gains.empty() && query.gains.size() != query.relevant.size())
    refuse(fmt::format("has {} gains for {} relevant; there must be one for each, or none",
                       query.gains.size(), query.relevant.size()));
  std::unordered_map<std::int64_t, double> gains;
  for (std::size_t i = 0; i < query.relevant.size(); ++i) {
    const double gain = query.gains.empty() ? 1 : query.gains[i];
    if (!(gain > 0 && std::isfinite(gain))) refuse(fmt::format("has the gain {}; it must be above 0", gain));
    if (!gains.emplace(query.relevant[i], gain).second)
      refuse(fmt::format("has {} twice among the relevant", query.relevant[i]));
  }
  std::unordered_set<std::int64_t> seen;
  for (std::int64_t found : query.ranked)
    if (!seen.insert(found).second) refuse(fmt::format("has {} twice among the ranked", found));
  return gains;
}

double discounted_sum(const std::vector<double>& gains, std::size_t cutoff) {
  double sum = 0;
  for (std::size_t i = 0; i < std::min(cutoff, gains.size()); ++i)
    sum += gains[i] / std::log2(static_cast<double>(i) + 2);
  return sum;
}

}  // namespace

RankingScore ranking_score(std::span<const RankedQuery> queries, std::span<const std::int64_t> cutoffs) {
  if (queries.empty()) throw Error("ranking: no queries; at least one is needed");
  for (std::int64_t cutoff : cutoffs)
    if (cutoff < 1) throw Error(fmt::format("ranking: the cutoff {}; it must be at least 1", cutoff));
  RankingScore result;
  result.recall.assign(cutoffs.size(), 0);
  result.ndcg.assign(cutoffs.size(), 0);
  const double weight = 1 / static_cast<double>(queries.size());
  for (std::size_t q = 0; q < queries.size(); ++q) {
    const auto gain_of = checked_gains(queries[q], q);
    // The gain at each place, 0 for what is not relevant.
    std::vector<double> gains;
    for (std::int64_t found : queries[q].ranked) {
      const auto entry = gain_of.find(found);
      gains.push_back(entry == gain_of.end() ? 0 : entry->second);
    }
    std::vector<double> ideal;
    for (const auto& [number, gain] : gain_of) ideal.push_back(gain);
    std::sort(ideal.begin(), ideal.end(), std::greater<>());

    const auto is_relevant = [](double gain) { return gain > 0; };
    const auto first = std::find_if(gains.begin(), gains.end(), is_relevant);
    if (first != gains.end())
      result.mean_reciprocal_rank += weight / static_cast<double>(first - gains.begin() + 1);
    for (std::size_t c = 0; c < cutoffs.size(); ++c) {
      const auto cutoff = static_cast<std::size_t>(cutoffs[c]);
      const auto end = gains.begin() + static_cast<std::ptrdiff_t>(std::min(cutoff, gains.size()));
      const auto hits = static_cast<double>(std::count_if(gains.begin(), end, is_relevant));
      result.recall[c] += weight * hits / static_cast<double>(ideal.size());
      result.ndcg[c] += weight * discounted_sum(gains, cutoff) / discounted_sum(ideal, cutoff);
    }
  }
  return result;
}

}  // namespace attend::metric
