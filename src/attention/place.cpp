#include "attend/attention/place.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "attend/attention/score_function.h"
#include "attend/base/error.h"
#include "attend/base/random.h"
#include "attend/op/arithmetic.h"
#include "attend/op/where.h"
#include "attention/pairs.h"
#include "attention/score_function_operation.h"
#include "attention/steps.h"

namespace attend::attention {

namespace {

const std::int32_t* row_of(const Tensor& tensor, std::int64_t batch, std::int64_t columns, const char* what) {
  if (!tensor.defined()) return nullptr;
  if (tensor.dtype() != DType::i32 || tensor.rank() != 2 || tensor.dim(1) != columns ||
      batch >= tensor.dim(0) || !tensor.is_contiguous())
    throw Error(fmt::format("attention over {} places: {} {} given, i32 [batch, {}] needed", columns, what,
                            tensor.text(), columns));
  return tensor.data<std::int32_t>() + batch * columns;
}

}  // namespace

Pairs::Pairs(const Place& place, const Run& run, std::int64_t batch, std::int64_t queries, std::int64_t keys)
    : place_(place), reach_(keys - queries), length_(keys) {
  if (const Tensor& lengths = run.key_lengths; lengths.defined()) {
    if (lengths.dtype() != DType::i32 || lengths.rank() != 1 || batch >= lengths.dim(0))
      throw Error(fmt::format("attention: key_lengths {} given, i32 [batch] needed", lengths.text()));
    length_ = lengths.data<std::int32_t>()[batch];
    if (length_ < 0 || length_ > keys)
      throw Error(
          fmt::format("attention: key length {} of row {} is not from 0 to {}", length_, batch, keys));
  }
  documents_ = row_of(run.documents, batch, queries, "documents");
  key_documents_ = run.key_documents.defined() || documents_ == nullptr
                       ? row_of(run.key_documents, batch, keys, "key_documents")
                       : row_of(run.documents, batch, keys, "documents");
  if ((documents_ == nullptr) != (key_documents_ == nullptr))
    throw Error("attention: key_documents given without documents");
  if (place.block > 0) {
    const std::int64_t blocks = (keys + place.block - 1) / place.block;
    random_blocks_.resize(static_cast<std::size_t>(blocks));
    const RandomStream random{place.seed, 0};
    for (std::int64_t b = 0; b < blocks; ++b)
      for (std::int64_t i = 0; i < place.random_blocks; ++i) {
        // With a causal mask only blocks at or before the query's own can be of use.
        const std::int64_t choices = place.mask == Place::Mask::causal ? b + 1 : blocks;
        const auto word = random.words(static_cast<std::uint64_t>(b * place.random_blocks + i))[0];
        random_blocks_[static_cast<std::size_t>(b)].push_back(static_cast<std::int64_t>(word) % choices);
      }
  }
}

bool Pairs::local(std::int64_t place, std::int64_t key) const {
  const std::int64_t distance = place > key ? place - key : key - place;
  if (place_.window > 0 && distance >= place_.window * place_.dilation) return false;
  return distance % place_.dilation == 0 && in_blocks(place, key);
}

bool Pairs::in_blocks(std::int64_t place, std::int64_t key) const {
  if (place_.block == 0) return true;
  const auto blocks = static_cast<std::int64_t>(random_blocks_.size());
  const std::int64_t own = std::clamp<std::int64_t>(place / place_.block, 0, blocks - 1),
                     other = key / place_.block;
  if (std::min(own, other) < place_.global_blocks) return true;
  // A causal mask must not tell by what a query sees how many tokens will follow.
  if (place_.mask != Place::Mask::causal && std::max(own, other) >= blocks - place_.global_blocks)
    return true;
  if (std::abs(own - other) <= place_.window_blocks / 2) return true;
  const auto& drawn = random_blocks_[static_cast<std::size_t>(own)];
  return std::find(drawn.begin(), drawn.end(), other) != drawn.end();
}

bool Pairs::allows(std::int64_t query, std::int64_t key) const {
  const std::int64_t place = query + reach_;
  if (key >= length_) return false;
  if (documents_ != nullptr && documents_[query] != key_documents_[key]) return false;
  if (place_.mask == Place::Mask::causal && key > place && key >= place_.prefix) return false;
  const bool global = (place >= 0 && place < place_.global_tokens) || key < place_.global_tokens;
  if (!global && !local(place, key)) return false;
  return place_.function == nullptr || place_.function->allows(place, key);
}

bool depends_on_places(const Place& place) {
  return place.positions != Place::Positions::none || !allows_all(place, {});
}

bool masks_differ_by_row(const Run& run) {
  return run.key_lengths.defined() || run.documents.defined() || run.key_documents.defined();
}

bool allows_all(const Place& place, const Run& run) {
  return place.mask == Place::Mask::none && place.window == 0 && place.dilation == 1 && place.block == 0 &&
         place.function == nullptr && !masks_differ_by_row(run);
}

Tensor dense_mask(const Place& place, const Run& run, std::int64_t queries, std::int64_t keys) {
  if (allows_all(place, run)) return {};
  const std::int64_t rows = run.key_lengths.defined() ? run.key_lengths.dim(0)
                            : run.documents.defined() ? run.documents.dim(0)
                                                      : 1;
  const Tensor mask = Tensor::zeros({rows, 1, queries, keys}, DType::boolean);
  bool* out = mask.data<bool>();
  for (std::int64_t b = 0; b < rows; ++b) {
    const Pairs pairs(place, run, b, queries, keys);
    for (std::int64_t i = 0; i < queries; ++i)
      for (std::int64_t j = 0; j < keys; ++j) *out++ = pairs.allows(i, j);
  }
  return mask;
}

Tensor placed(const Tensor& scores, const Tensor& query, const Tensor& key, const AttentionSpec& spec,
              const Run& run) {
  Tensor result = scores;
  if (const Tensor added = position_scores(query, key, spec, run); added.defined())
    result = op::add(result, added);
  if (spec.score.function != nullptr) result = apply_score_function(result, spec.score.function);
  if (const Tensor mask = dense_mask(spec.place, run, scores.dim(2), scores.dim(3)); mask.defined())
    result =
        op::where(mask, result, Tensor::full({}, -std::numeric_limits<double>::infinity(), scores.dtype()));
  return result;
}

}  // namespace attend::attention
