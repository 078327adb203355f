#include "attend/attention/cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "attention/fused.h"
#include "attention/steps.h"

namespace attend::attention {

namespace {

// A row to copy, and where to; kSpare is a row beside the others.
struct Move {
  std::int32_t from, to;
};
constexpr std::int32_t kSpare = -1;

// The copies, in an order that overwrites nothing that is still to be read, by which row i becomes what row
// rows[i] was.
std::vector<Move> moves_of(std::span<const std::int32_t> rows, std::int64_t before) {
  const auto at = [](std::int32_t row) { return static_cast<std::size_t>(row); };
  const auto count = static_cast<std::int32_t>(rows.size());
  std::vector<std::int32_t> readers(std::max(rows.size(), static_cast<std::size_t>(before)), 0), ready;
  std::vector<bool> waits(rows.size(), false);
  for (std::int32_t i = 0; i < count; ++i) {
    waits[at(i)] = rows[at(i)] != i;
    if (waits[at(i)]) ++readers[at(rows[at(i)])];
  }
  for (std::int32_t i = 0; i < count; ++i)
    if (waits[at(i)] && readers[at(i)] == 0) ready.push_back(i);
  std::vector<Move> moves;
  const auto copy = [&](std::int32_t i) {
    const std::int32_t from = rows[at(i)];
    moves.push_back({from, i});
    waits[at(i)] = false;
    if (--readers[at(from)] == 0 && from < count && waits[at(from)]) ready.push_back(from);
  };
  const auto copy_all_ready = [&] {
    while (!ready.empty()) {
      const std::int32_t i = ready.back();
      ready.pop_back();
      copy(i);
    }
  };
  copy_all_ready();
  // What is left are circles, each row read by one other: the spare row opens them.
  for (std::int32_t i = 0; i < count; ++i) {
    if (!waits[at(i)]) continue;
    moves.push_back({i, kSpare});
    for (std::int32_t to = i; waits[at(to)]; to = rows[at(to)]) {
      const std::int32_t from = rows[at(to)];
      moves.push_back({from == i ? kSpare : from, to});
      waits[at(to)] = false;
    }
  }
  return moves;
}

// Copies the first `length` places of rows of `from` to rows of `to`, both [rows, heads, capacity, d].
void copy_rows(const Tensor& from, const Tensor& to, const std::vector<Move>& moves, std::int64_t length) {
  const std::int64_t heads = from.dim(1),
                     width = from.dim(3) * static_cast<std::int64_t>(size_of(from.dtype())),
                     head_bytes = from.dim(2) * width;
  const auto bytes = static_cast<std::size_t>(length * width);
  parallel_for(heads, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::byte> spare;
    for (std::int64_t head = begin; head < end; ++head)
      for (const Move& move : moves) {
        const auto place = [&](const Tensor& tensor, std::int32_t row) {
          if (row != kSpare) return static_cast<std::byte*>(tensor.raw()) + (row * heads + head) * head_bytes;
          spare.resize(bytes);
          return spare.data();
        };
        std::memcpy(place(to, move.to), place(from, move.from), bytes);
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
  batch_ = batch;
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
  const auto count = static_cast<std::int64_t>(rows.size());
  std::vector<Move> moves;
  if (count <= keys_.dim(0))
    moves = moves_of(rows, before);
  else
    for (std::size_t i = 0; i < rows.size(); ++i) moves.push_back({rows[i], static_cast<std::int32_t>(i)});
  for (Tensor* tensor : {&keys_, &values_}) {
    const Tensor from = *tensor;
    if (count > from.dim(0))
      *tensor = Tensor::empty({count, from.dim(1), from.dim(2), from.dim(3)}, from.dtype());
    copy_rows(from, *tensor, moves, length_);
  }
  batch_ = count;
}

Tensor KeyValueCache::by_token(const Tensor& heads, std::int64_t count, std::int64_t begin) const {
  const auto& strides = heads.strides();
  return heads.view_as({batch_, count, heads.dim(1), heads.dim(3)},
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
