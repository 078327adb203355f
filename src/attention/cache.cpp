#include "attend/attention/cache.h"

#include <fmt/format.h>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attention/fused.h"
#include "attention/steps.h"

namespace attend::attention {

KeyValueCache::KeyValueCache(std::int64_t batch, std::int64_t capacity, std::int64_t key_heads,
                             std::int64_t head_dim, DType dtype) {
  if (batch < 1 || capacity < 1 || key_heads < 1 || head_dim < 1 || !is_floating(dtype))
    throw Error(fmt::format(
        "key/value cache of batch {}, capacity {}, heads {}, d {}, {}: sizes from 1, f32, bf16 or f64", batch,
        capacity, key_heads, head_dim, name_of(dtype)));
  keys_ = Tensor::empty({batch, key_heads, capacity, head_dim}, dtype);
  values_ = Tensor::empty({batch, key_heads, capacity, head_dim}, dtype);
}

void KeyValueCache::truncate(std::int64_t length) {
  if (length < 0 || length > length_)
    throw Error(fmt::format("key/value cache of length {} cannot be cut to {}", length_, length));
  length_ = length;
}

void KeyValueCache::append(const Tensor& keys, const Tensor& values) {
  const std::int64_t count = keys.dim(1);
  if (length_ + count > capacity())
    throw Error(fmt::format("key/value cache of {} tokens is full: {} are in it, {} more given", capacity(),
                            length_, count));
  const auto copy = [&](const Tensor& from, const Tensor& to) {
    by_token(to, count, length_).copy_from(from);
  };
  copy(keys, keys_);
  copy(values, values_);
  length_ += count;
}

Tensor KeyValueCache::by_token(const Tensor& heads, std::int64_t count, std::int64_t begin) {
  const auto& strides = heads.strides();
  return heads.view_as({heads.dim(0), count, heads.dim(1), heads.dim(3)},
                       {strides[0], strides[2], strides[1], strides[3]}, begin * strides[2]);
}

bool can_decode(const AttentionSpec& spec) {
  using Gathering = Gather::Kind;
  return spec.place.mask == Place::Mask::causal && spec.place.prefix == 0 &&
         spec.gather.kind != Gathering::linformer && spec.gather.kind != Gathering::nystrom;
}

Tensor attend_cached(const Tensor& query, const KeyValueCache& cache, const AttentionSpec& spec,
                     const Run& run) {
  // With more queries than this, products of packed blocks cost less than reading the cache for each query.
  // An additive score projects all keys of the cache anyway: the forward pass over them.
  constexpr std::int64_t kFewQueries = 4;
  const autograd::NoGrad no_grad;
  const Tensor keys = cache.keys(), values = cache.values();
  if (query.dim(1) > kFewQueries || !is_fused(spec) || spec.score.kind == Score::Kind::additive)
    return attend(query, keys, values, spec, run);
  check_operands(query, keys, values, spec);
  const Tensor output = fused_decode(lower(query, keys, values, spec, run));
  tell_observer(query, keys, spec, run);
  return heads_fused(output, spec, run);
}

}  // namespace attend::attention
