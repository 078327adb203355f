#include "attention/linear.h"

#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/op/cast.h"
#include "attend/op/matmul.h"
#include "attend/op/shape.h"
#include "attend/op/where.h"
#include "attention/steps.h"

namespace attend::attention {

namespace {

bool is_causal(const AttentionSpec& spec) {
  return spec.place.mask == Place::Mask::causal;
}

// By feature maps, or by a few rows that stand for all keys.
bool has_features(const AttentionSpec& spec) {
  return spec.gather.kind == Gather::Kind::kernelised || spec.gather.kind == Gather::Kind::performer;
}

// Keys of each batch row that count; empty when all do.
std::vector<std::int64_t> key_lengths_of(const Run& run, std::int64_t batch, std::int64_t keys) {
  const Tensor& lengths = run.key_lengths;
  if (!lengths.defined()) return {};
  if (lengths.dtype() != DType::i32 || lengths.rank() != 1 || lengths.dim(0) != batch)
    throw Error(fmt::format("attention: key_lengths {} given, i32 [{}] needed", lengths.text(), batch));
  const std::vector<std::int64_t> result = lengths.to_vector<std::int64_t>();
  for (std::size_t row = 0; row < result.size(); ++row)
    if (result[row] < 0 || result[row] > keys)
      throw Error(
          fmt::format("attention: key length {} of row {} is not from 0 to {}", result[row], row, keys));
  return result;
}

// bool [batch, 1, keys, 1]; undefined when every key counts.
Tensor counting_keys(const std::vector<std::int64_t>& lengths, std::int64_t keys) {
  if (lengths.empty()) return {};
  const Tensor result =
      Tensor::zeros({static_cast<std::int64_t>(lengths.size()), 1, keys, 1}, DType::boolean);
  bool* out = result.data<bool>();
  for (const std::int64_t length : lengths)
    for (std::int64_t j = 0; j < keys; ++j) *out++ = j < length;
  return result;
}

Tensor by_features(LinearInputs inputs, const AttentionSpec& spec, const Run& run, bool by_definition) {
  const std::int64_t heads = inputs.query.dim(1), queries = inputs.query.dim(2), keys = inputs.key.dim(2);
  const Tensor counts = counting_keys(key_lengths_of(run, inputs.key.dim(0), keys), keys);
  if (counts.defined()) {
    // What lies in the padding has no influence, be it NaN.
    const Tensor zero = Tensor::zeros({}, inputs.key.dtype());
    inputs.key = op::where(counts, inputs.key, zero);
    inputs.value = op::where(counts, inputs.value, zero);
  }
  const FeaturePair features = features_of(inputs, counts, spec);
  if (!by_definition) return feature_attention(features, inputs.value, is_causal(spec));
  const Tensor key = repeated_heads(features.key, heads), value = repeated_heads(inputs.value, heads);
  Tensor weights = op::matmul(features.query, op::transpose(key));
  if (const Tensor mask = dense_mask(spec.place, run, queries, keys); mask.defined())
    weights = op::where(mask, weights, Tensor::zeros({}, weights.dtype()));
  return normalised(op::matmul(weights, with_ones(value)));
}

Tensor by_rows(const LinearInputs& inputs, const AttentionSpec& spec, const Run& run, bool by_definition,
               std::int64_t landmark_queries) {
  return spec.gather.kind == Gather::Kind::linformer ? linformer(inputs, spec, run, by_definition)
                                                     : nystrom(inputs, spec, landmark_queries, by_definition);
}

// Each batch row by itself with the keys that count, so that padding changes nothing.
Tensor by_few_rows(const LinearInputs& inputs, const AttentionSpec& spec, const Run& run,
                   bool by_definition) {
  const auto& [query, key, value] = inputs;
  const std::int64_t queries = query.dim(2), keys = key.dim(2);
  const std::vector<std::int64_t> lengths = key_lengths_of(run, query.dim(0), keys);
  if (lengths.empty()) return by_rows(inputs, spec, run, by_definition, queries);
  autograd::Tensors answers;
  for (std::int64_t row = 0; row < query.dim(0); ++row) {
    const std::int64_t length = lengths[static_cast<std::size_t>(row)];
    if (length == 0) {
      answers.push_back(Tensor::zeros({1, query.dim(1), queries, value.dim(3)}, query.dtype()));
      continue;
    }
    const auto counting = [&](const Tensor& x) {
      return op::slice(op::slice(x, 0, row, row + 1), 2, 0, length);
    };
    answers.push_back(by_rows({op::slice(query, 0, row, row + 1), counting(key), counting(value)}, spec, run,
                              by_definition, queries == keys ? length : queries));
  }
  return op::concatenate(answers, 0);
}

}  // namespace

Tensor repeated_heads(const Tensor& x, std::int64_t heads) {
  const std::int64_t batch = x.dim(0), key_heads = x.dim(1), n = x.dim(2), d = x.dim(3);
  if (key_heads == heads) return x;
  const Tensor grouped = op::reshape(x, {batch, key_heads, 1, n, d});
  return op::reshape(op::expand(grouped, {batch, key_heads, heads / key_heads, n, d}), {batch, heads, n, d});
}

Tensor linear_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                        const AttentionSpec& spec, const Run& run, bool by_definition) {
  if (run.documents.defined() || run.key_documents.defined())
    throw Error("attention of linear work takes key lengths and no other mask of a run: documents given");
  if (query.dim(1) == 0 || key.dim(1) == 0)
    return Tensor::zeros({query.dim(0), query.dim(1), query.dim(2), value.dim(3)}, query.dtype());
  const DType dtype = query.dtype() == DType::f64 ? DType::f64 : DType::f32;
  const auto by_head = [&](const Tensor& x) { return op::permute(op::cast(x, dtype), {0, 2, 1, 3}); };
  const LinearInputs inputs = {by_head(query), by_head(key), by_head(value)};
  const Tensor answer = has_features(spec) ? by_features(inputs, spec, run, by_definition)
                                           : by_few_rows(inputs, spec, run, by_definition);
  return op::cast(op::contiguous(op::permute(answer, {0, 2, 1, 3})), query.dtype());
}

}  // namespace attend::attention
