#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "attend/data/sequences.h"
#include "attend/model/sentence_encoder.h"
#include "attend/task/search.h"
#include "task/search/data.h"

namespace attend::task {

/// The vectors of texts in their order, f32 [texts, dim]; computed in batches of similar length.
Tensor embeddings_of(const model::SentenceEncoder& model, const data::TokenSequences& texts, DType compute);

/// The symmetric InfoNCE of a batch.
Tensor search_loss(const model::SentenceEncoder& model, const ContrastiveBatch& batch, double temperature,
                   const nn::Run& run);

/// The numbers of the `count` largest scores, the largest first, equal ones by their number.
std::vector<std::int64_t> largest(const float* scores, std::int64_t size, std::int64_t count);

/// Blocks of neighbours in which queries choose: block [begin, begin + width), of which the queries from
/// `first` on were in no block before.
struct CandidateBlock {
  std::int64_t begin = 0, first = 0, width = 0;
};
std::vector<CandidateBlock> candidate_blocks(std::int64_t pairs, std::int64_t candidates);

/// Searches text i by query i. queries, texts: f32 [pairs, dim]. Texts of equal groups are equally right.
SearchScores search_scores(const Tensor& queries, const Tensor& texts, const std::vector<std::size_t>& groups,
                           std::int64_t candidates);

}  // namespace attend::task
