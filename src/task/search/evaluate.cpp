#include "task/search/evaluate.h"

#include <algorithm>
#include <numeric>

#include "attend/autograd/tape.h"
#include "attend/metric/ranking.h"
#include "attend/op/contrastive_loss.h"
#include "attend/op/matmul.h"
#include "attend/op/shape.h"
#include "task/encoder_tokens.h"

namespace attend::task {

Tensor embeddings_of(const model::SentenceEncoder& model, const data::TokenSequences& texts, DType compute) {
  const autograd::NoGrad guard;
  const std::int64_t dim = model.config().encoder.dim;
  const Tensor all = Tensor::empty({texts.size(), dim});
  for_each_batch(texts, [&](std::span<const std::int64_t> rows, const model::EncoderInput& input) {
    const Tensor vectors = model.embeddings(input, {.compute = compute});
    const float* from = vectors.data<float>();
    for (std::size_t r = 0; r < rows.size(); ++r)
      std::copy_n(from + static_cast<std::int64_t>(r) * dim, dim, all.data<float>() + rows[r] * dim);
  });
  return all;
}

Tensor search_loss(const model::SentenceEncoder& model, const ContrastiveBatch& batch, double temperature,
                   const nn::Run& run) {
  const Tensor sources = model.embeddings(input_of(batch.sources), run);
  const Tensor targets = model.embeddings(input_of(batch.targets), run);
  return op::contrastive_loss(sources, targets, {.temperature = temperature, .ignored = batch.ignored});
}

std::vector<std::int64_t> largest(const float* scores, std::int64_t size, std::int64_t count) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(size));
  std::iota(order.begin(), order.end(), 0);
  const auto better = [scores](std::int64_t a, std::int64_t b) {
    return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
  };
  const auto end = order.begin() + std::min(count, size);
  std::partial_sort(order.begin(), end, order.end(), better);
  order.erase(end, order.end());
  return order;
}

std::vector<CandidateBlock> candidate_blocks(std::int64_t pairs, std::int64_t candidates) {
  const std::int64_t width = std::min(pairs, candidates);
  std::vector<CandidateBlock> blocks;
  for (std::int64_t first = 0; first < pairs; first += width)
    blocks.push_back({.begin = std::min(first, pairs - width), .first = first, .width = width});
  return blocks;
}

SearchScores search_scores(const Tensor& queries, const Tensor& texts, const std::vector<std::size_t>& groups,
                           std::int64_t candidates) {
  const autograd::NoGrad guard;
  std::vector<metric::RankedQuery> ranked;
  const std::int64_t pairs = queries.dim(0);
  for (const CandidateBlock& block : candidate_blocks(pairs, candidates)) {
    const std::int64_t end = block.begin + block.width;
    const Tensor scores = op::contiguous(op::matmul(op::slice(queries, 0, block.first, end),
                                                    op::transpose(op::slice(texts, 0, block.begin, end))));
    for (std::int64_t query = block.first; query < end; ++query) {
      const float* row = scores.data<float>() + (query - block.first) * block.width;
      metric::RankedQuery one{.ranked = largest(row, block.width, block.width), .relevant = {}};
      for (std::int64_t i = 0; i < block.width; ++i)
        if (groups[static_cast<std::size_t>(block.begin + i)] == groups[static_cast<std::size_t>(query)])
          one.relevant.push_back(i);
      ranked.push_back(std::move(one));
    }
  }
  const std::vector<std::int64_t> cutoffs = {1, 10};
  const metric::RankingScore score = metric::ranking_score(ranked, cutoffs);
  return {.recall_1 = score.recall[0],
          .recall_10 = score.recall[1],
          .mean_reciprocal_rank = score.mean_reciprocal_rank,
          .ndcg_10 = score.ndcg[1],
          .queries = pairs,
          .candidates = std::min(pairs, candidates)};
}

}  // namespace attend::task
