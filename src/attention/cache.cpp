#include "attend/attention/cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "attention/fused.h"
#include "attention/steps.h"

namespace attend::attention {

namespace {

// Copies the first `length` places of rows[i] of `from` to row i of `to`, both [rows, heads, capacity, d],
// where they are not the same.
void copy_rows(const Tensor& from, const Tensor& to, std::span<const std::int32_t> rows,
               std::int64_t length) {
  const std::int64_t heads = from.dim(1),
                     place = from.dim(3) * static_cast<std::int64_t>(size_of(from.dtype()));
  const std::int64_t stride = from.dim(2) * place;
  const bool in_place = from.raw() == to.raw();
  const auto* source = static_cast<const std::byte*>(from.raw());
  auto* target = static_cast<std::byte*>(to.raw());
  parallel_for(static_cast<std::int64_t>(rows.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t row = rows[static_cast<std::size_t>(i)];
      if (in_place && row == i) continue;
      for (std::int64_t head = 0; head < heads; ++head)
        std::memcpy(target + (i * heads + head) * stride, source + (row * heads + head) * stride,
                    static_cast<std::size_t>(length * place));
    }
  });
}

}  // namespace

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

void KeyValueCache::reorder(std::span<const std::int32_t> rows) {
  const std::int64_t before = batch();
  if (rows.empty()) throw Error("key/value cache: no rows given to go on with");
  for (const std::int32_t row : rows)
    if (row < 0 || row >= before)
      throw Error(fmt::format("key/value cache of {} rows has no row {}", before, row));
  const bool only_copies_of_rows_that_stay =
      static_cast<std::int64_t>(rows.size()) == before &&
      std::ranges::all_of(rows, [&](std::int32_t row) { return rows[static_cast<std::size_t>(row)] == row; });
  const auto moved = [&](Tensor& tensor) {
    const Tensor from = tensor;
    if (!only_copies_of_rows_that_stay)
      tensor = Tensor::empty({static_cast<std::int64_t>(rows.size()), from.dim(1), from.dim(2), from.dim(3)},
                             from.dtype());
    copy_rows(from, tensor, rows, length_);
  };
  moved(keys_);
  moved(values_);
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
