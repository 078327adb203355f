// Fused attention, backward (Dao, "FlashAttention-2", 2023). With the saved log-sums the weights of any block
// are computed again from queries and keys. Blocks are held transposed, [keys][queries]:
//
//     P^T = 2^(K Q^T - log_sum)      dV += P^T dO           dP^T = V dO^T
//     dS^T = P^T (dP^T - delta)      dK += dS^T Q           dQ^T += K^T dS^T         delta_q = dO_q . O_q
//
// so that log_sum and delta are vectors along the lanes and only dS^T is needed in two layouts. With few
// heads the keys are cut into slices, each with a dQ^T of its own; the slices are added in their order.
// Queries are taken a chunk at a time, so that what is packed of them stays in the cache while all keys pass.
//
// An additive score has its own way from queries and keys to scores and from dS^T to dQ^T, dK^T and the
// gradient of its vector (attention_additive.h); what is between them is the same.

#include "backend/cpu/attention_additive.h"
#include "backend/cpu/attention_backward_scratch.h"
#include "backend/cpu/attention_looking.h"
#include "backend/cpu/attention_scores.h"
#include "backend/cpu/block_pack.h"
#include "backend/cpu/kernels/table.h"

namespace attend::ATTEND_ISA {

namespace {

using backend::AttentionBackward;
using backend::AttentionShape;

// Rows [count][dim] of one head from their transpose, from `first` on.
template <class S>
void write_transposed(const Compute<S>* sum, std::int64_t stride, std::int64_t count, std::int64_t dim,
                      const backend::HeadsOperand& to, std::int64_t batch, std::int64_t first,
                      std::int64_t head) {
  using C = Compute<S>;
  alignas(64) C tile[16 * 16];
  for (std::int64_t r = 0; r < count; r += 16)
    for (std::int64_t d = 0; d < dim; d += 16) {
      transpose_words(reinterpret_cast<const Word<C>*>(sum + d * stride + r), stride, 16,
                      reinterpret_cast<Word<C>*>(tile));
      const std::int64_t columns = min_integer(16, dim - d);
      for (std::int64_t i = 0; i < min_integer(16, count - r); ++i) {
        S* out = at<S>(to, batch, first + r + i, head) + d;
        for_each_vector<C>(columns, [&](std::int64_t c, std::int64_t n) {
          store_some(out + c, load_some(tile + i * 16 + c, n), n);
        });
      }
    }
}

// dQ [queries][dim] of some queries of one head from dQ^T.
template <class S>
void write_query_gradient(const AttentionBackward& work, std::int64_t batch, std::int64_t head,
                          IndexRange queries, const Compute<S>* sum) {
  const std::int64_t count = queries.end - queries.begin, dim = work.shape.dim;
  if (is_additive(work.shape))
    write_transposed<Compute<S>>(sum, padded(count), count, dim, work.query_gradient, batch, queries.begin,
                                 head);
  else
    write_transposed<S>(sum, padded(count), count, dim, work.query_gradient, batch, queries.begin, head);
}

// Where the dQ^T of one slice of one head lies when there are several.
template <class C>
C* slice_sum(const AttentionBackward& work, std::int64_t batch, std::int64_t head, std::int64_t slice) {
  const AttentionShape& s = work.shape;
  return static_cast<C*>(work.query_sums) +
         ((batch * s.heads + head) * work.slices + slice) * padded(s.dim) * padded(s.queries);
}

template <class S>
class Head {
 public:
  using C = Compute<S>;
  using E = Packed<S>;

  Head(const AttentionBackward& work, std::int64_t batch, std::int64_t key_head, std::int64_t slice,
       const BackwardScratch<S>& scratch)
      : work_(work), s_(work.shape), batch_(batch), key_head_(key_head), slice_(slice), x_(scratch) {}

  void run() {
    if (count_ <= 0) return;
    const std::int64_t group = s_.heads / s_.key_heads;
    pack_keys();
    zero(x_.key_sum, keys_ * dim_);
    zero(x_.value_sum, keys_ * value_dim_);
    zero(x_.bias_sum, keys_);
    for (std::int64_t i = 0; i < group; ++i) {
      const std::int64_t head = key_head_ * group + i;
      if (work_.slices > 1) zero(slice_sum<C>(work_, batch_, head, slice_), dim_ * padded(s_.queries));
      for (std::int64_t query = 0; query < s_.queries; query += kQueryChunk)
        query_chunk(head, {query, min_integer(query + kQueryChunk, s_.queries)});
    }
    if (is_additive_)
      write_additive_gradients();
    else
      write_rows(x_.key_sum, dim_, s_.dim, work_.key_gradient);
    write_rows(x_.value_sum, value_dim_, s_.value_dim, work_.value_gradient);
    if (work_.key_bias_gradient != nullptr)
      __builtin_memcpy(
          static_cast<C*>(work_.key_bias_gradient) + (batch_ * s_.key_heads + key_head_) * s_.keys + first_,
          x_.bias_sum, static_cast<std::size_t>(count_) * sizeof(C));
  }

 private:
  using Coverage = typename LookingQueries<C>::Coverage;

  static void zero(C* p, std::int64_t count) {
    __builtin_memset(p, 0, static_cast<std::size_t>(count) * sizeof(C));
  }

  void pack_keys() {
    if (is_additive_) {
      pack_additive_rows(s_, work_.key, batch_, first_, count_, key_head_, keys_, x_.additive_keys);
      zero(x_.vector_sum, dim_ * kLanes<C>);
    } else {
      key_rows_ = padded_rows_of(at<S>(work_.key, batch_, first_, key_head_), work_.key.row_stride, count_,
                                 s_.dim, x_.key_rows, keys_, dim_);
      transpose_rows(key_rows_, keys_, dim_, x_.key_columns);
    }
    value_rows_ = padded_rows_of(at<S>(work_.value, batch_, first_, key_head_), work_.value.row_stride,
                                 count_, s_.value_dim, x_.value_rows, keys_, value_dim_);
  }

  // What some queries of one head add to the sums of all keys, and their own gradients.
  void query_chunk(std::int64_t head, IndexRange queries) {
    chunk_ = queries;
    queries_ = padded(queries.end - queries.begin);
    pack_queries(head);
    if (work_.slices > 1) {
      query_sum_ = slice_sum<C>(work_, batch_, head, slice_) + queries.begin;
      query_sum_stride_ = padded(s_.queries);
    } else {
      query_sum_ = x_.query_sum;
      query_sum_stride_ = queries_;
      zero(query_sum_, dim_ * queries_);
    }
    for (std::int64_t key = 0; key < count_; key += kKeyBlock) key_block(head, key);
    if (work_.slices == 1) write_query_gradient<S>(work_, batch_, head, queries, query_sum_);
  }

  void pack_queries(std::int64_t head) {
    const std::int64_t first = chunk_.begin, count = chunk_.end - first;
    if (is_additive_) {
      pack_additive_rows(s_, work_.query, batch_, first, count, head, queries_, x_.additive_rows);
      pack_additive_panels(s_, x_.additive_rows, queries_, x_.additive_queries);
    } else {
      const Rows<E> queries = padded_rows_of(at<S>(work_.query, batch_, first, head), work_.query.row_stride,
                                             count, s_.dim, x_.rows, queries_, dim_);
      pack_transposed(queries, queries_, dim_, x_.query_columns);
      pack_panels(queries, queries_, dim_, x_.query_panels);
    }
    const Rows<E> gradients =
        padded_rows_of(at<S>(work_.output_gradient, batch_, first, head), work_.output_gradient.row_stride,
                       count, s_.value_dim, x_.rows, queries_, value_dim_);
    pack_transposed(gradients, queries_, value_dim_, x_.gradient_columns);
    pack_panels(gradients, queries_, value_dim_, x_.gradient_panels);
    const C* log_sum = static_cast<const C*>(work_.log_sum) + (batch_ * s_.heads + head) * s_.queries + first;
    for (std::int64_t q = 0; q < queries_; ++q) {
      x_.log_sum[q] = q < count ? log_sum[q] : C(__builtin_inf());
      x_.delta[q] = q < count && !s_.sigmoid ? row_delta(head, first + q) : C(0);
    }
  }

  C row_delta(std::int64_t head, std::int64_t q) {
    const S* out = at<S>(work_.output, batch_, q, head);
    const S* gradient = at<S>(work_.output_gradient, batch_, q, head);
    Vector<C> sum{};
    for_each_vector<C>(s_.value_dim, [&](std::int64_t j, std::int64_t n) {
      sum += load_some(out + j, n) * load_some(gradient + j, n);
    });
    return sum_lanes<C>(sum);
  }

  // One block of keys, counted from the slice's first, against all queries of the chunk that may look at it.
  void key_block(std::int64_t head, std::int64_t key) {
    const std::int64_t count = min_integer(kKeyBlock, count_ - key), rows = (count + 15) / 16 * 16;
    const IndexRange looking = looking_.queries_that_look(first_ + key, count, chunk_);
    const AdditiveScore<S> additive(s_, head);
    for (std::int64_t query = looking.begin; query < looking.end; query += kQueryBlock) {
      const std::int64_t columns = min_integer(kQueryBlock, looking.end - query);
      const Coverage covered = looking_.coverage(first_ + key, count, query, columns);
      if (covered == Coverage::none) continue;
      const std::int64_t column = query - chunk_.begin;
      const C *additive_keys = x_.additive_keys + key * dim_,
              *additive_queries = x_.additive_queries + column * dim_;
      if (is_additive_)
        additive.scores(additive_keys, rows, additive_queries, columns, x_.scores, kQueryBlock);
      else
        product(key_rows_.data + key * key_rows_.stride, key_rows_.stride, Panels<E>{x_.query_columns, dim_},
                0, column, x_.scores, kQueryBlock, rows, columns, dim_, false);
      product(value_rows_.data + key * value_rows_.stride, value_rows_.stride,
              Panels<E>{x_.gradient_columns, value_dim_}, 0, column, x_.weight_gradients, kQueryBlock, rows,
              columns, value_dim_, false);
      weigh(head, key, count, rows, query, columns, covered == Coverage::all);
      product(x_.weights, kQueryBlock, Panels<E>{x_.gradient_panels, queries_}, column, 0,
              x_.value_sum + key * value_dim_, value_dim_, rows, value_dim_, columns, true);
      if (is_additive_) {
        additive.add_gradients(additive_keys, rows, additive_queries, columns, x_.scores, kQueryBlock,
                               x_.key_sum + key, keys_, query_sum_ + column, query_sum_stride_,
                               x_.vector_sum);
        continue;
      }
      product(x_.score_gradients, kQueryBlock, Panels<E>{x_.query_panels, queries_}, column, 0,
              x_.key_sum + key * dim_, dim_, rows, dim_, columns, true);
      product(x_.key_columns + key, keys_, Panels<E>{x_.score_panels, kKeyBlock}, 0, 0, query_sum_ + column,
              query_sum_stride_, dim_, columns, padded(rows), true);
    }
  }

  // Dot products of one key with the queries of a block become scores, and the slopes of what made them are
  // kept.
  void modify_by_key(std::int64_t head, std::int64_t key, std::int64_t query, std::int64_t columns,
                     C* scores) {
    const C scale = static_cast<C>(s_.scale), cap = static_cast<C>(s_.soft_cap),
            inverse_cap = s_.soft_cap > 0 ? C(1) / cap : C(0);
    const Vector<C> bias =
        splat(s_.key_bias == nullptr
                  ? C(0)
                  : static_cast<const C*>(s_.key_bias)[(batch_ * s_.key_heads + key_head_) * s_.keys + key]);
    const C* distance = s_.query_distance_bias == nullptr
                            ? nullptr
                            : static_cast<const C*>(s_.query_distance_bias) +
                                  head * (s_.queries + s_.keys - 1) + query - key + s_.keys - 1;
    const std::int64_t used = min_integer(columns, s_.queries - query);
    for_each_vector<C>(used, [&](std::int64_t j, std::int64_t n) {
      Vector<C> x = load_some(scores + j, n), slope;
      if (cap > C(0)) {
        x = capped<C>(x, scale, cap, inverse_cap, slope);
        store(x_.cap_slope + j, slope);
      } else {
        x = x * scale;
      }
      x += bias;
      if (distance != nullptr) x += load_some(distance + j, n);
      store_some(scores + j, x, n);
    });
    if (s_.function.function == nullptr) return;
    const backend::AttentionScoreBlock line = {batch_, head, query, key, used, 1, 1, used};
    s_.function.derivative(s_.function.function, line, scores, x_.function_slope, sizeof(C) == 8);
    s_.function.apply(s_.function.function, line, scores, sizeof(C) == 8);
  }

  // Scores and weight gradients of the block become weights and score gradients, in the layouts of the
  // products.
  void weigh(std::int64_t head, std::int64_t key, std::int64_t count, std::int64_t rows, std::int64_t query,
             std::int64_t columns, bool all_look) {
    const Vector<C> scale2 = splat(exponent_scale<C>(s_)),
                    scale = splat(static_cast<C>(s_.scale / s_.temperature)),
                    inverse_temperature = splat(static_cast<C>(1 / s_.temperature)),
                    keep = splat(static_cast<C>(1 / (1 - s_.dropout))),
                    sigmoid_bias = splat(static_cast<C>(s_.sigmoid_bias * 1.4426950408889634));
    C* distance_gradient =
        work_.distance_bias_gradient == nullptr
            ? nullptr
            : static_cast<C*>(work_.distance_bias_gradient) +
                  ((batch_ * s_.heads + head) * work_.slices + slice_) * (s_.queries + s_.keys - 1 + 64) +
                  query - first_ - key + s_.keys - 1;
    // Copies, because the stores below might change what they are copies of for all that the compiler knows.
    const bool sigmoid = s_.sigmoid, drops = s_.dropout > 0, modified = is_modified_,
               has_function = s_.function.function != nullptr, has_cap = s_.soft_cap > 0,
               additive = is_additive_;
    const BackwardScratch<S> x = x_;
    const C *log_sum = x.log_sum + query - chunk_.begin, *delta = x.delta + query - chunk_.begin;
    for (std::int64_t r = 0; r < padded(rows); ++r) {
      if (drops && r % kDropoutTile == 0 && r < count)
        for (std::int64_t tile = 0; tile < columns; tile += kDropoutTile)
          dropout_tile_by_key(s_, dropout_keys_, batch_, head, query + tile, first_ + key + r,
                              x.mask + tile / kDropoutTile * kDropoutTileWords);
      if (modified && r < count)
        modify_by_key(head, first_ + key + r, query, columns, x.scores + r * kQueryBlock);
      Vector<C> bias_gradient{};
      for (std::int64_t j = 0; j < columns; j += kLanes<C>) {
        const std::int64_t place = r * kQueryBlock + j;
        Vector<C> p{}, ds{};
        IntegerVector<C> looks{};
        if (r < count &&
            (all_look || any_lane<C>(looks = looking_.lanes_that_look(first_ + key + r, query + j)))) {
          const Vector<C> t = load(x.scores + place) * scale2;
          p = sigmoid ? sigmoid2_of<S>(t + sigmoid_bias) : exp2_of<S>(t - load(log_sum + j));
          if (!all_look) p = looks ? p : Vector<C>{};
          Vector<C> dp = load(x.weight_gradients + place);
          Vector<C> kept = p;
          if (drops) {
            const IntegerVector<C> keeps = dropout_lanes<C>(
                x.mask[j / kDropoutTile * kDropoutTileWords + r % kDropoutTile], j % kDropoutTile);
            kept = keeps ? p * keep : Vector<C>{};
            dp = keeps ? dp * keep : Vector<C>{};
          }
          if (!modified && !sigmoid) {
            ds = p * (dp - load(delta + j)) * scale;
          } else {
            ds = (sigmoid ? p * (C(1) - p) * dp : p * (dp - load(delta + j))) * inverse_temperature;
            if (has_function) ds = zero_where_zero(ds, load(x.function_slope + j));
            bias_gradient += ds;
            if (distance_gradient != nullptr) {
              // Queries beyond the end add zeros in the margin behind the last distance.
              C* to = distance_gradient - r + j;
              store(to, load(to) + ds);
            }
            if (has_cap) ds = zero_where_zero(ds, load(x.cap_slope + j));
            ds = ds * static_cast<C>(s_.scale);
          }
          p = kept;
        }
        store(x.weights + place, p);
        if (additive)
          store(x.scores + place, ds);
        else
          store(x.score_gradients + place, ds);
      }
      if (modified && r < count) x.bias_sum[key + r] += sum_lanes<C>(bias_gradient);
    }
    if (additive) return;
    // B with k along keys; its panels are kKeyBlock deep whatever part of them is used.
    for (std::int64_t panel = 0; panel < columns; panel += kPanel)
      for (std::int64_t r = 0; r < padded(rows); r += kStep<E>)
        pack_step(x_.score_gradients + r * kQueryBlock + panel, kQueryBlock,
                  x_.score_panels + panel * kKeyBlock + r * kPanel);
  }

  // ds * slope, but 0 where ds is 0: the slope beyond the last query is whatever lay in memory.
  static Vector<C> zero_where_zero(Vector<C> ds, Vector<C> slope) {
    return ds == Vector<C>{} ? Vector<C>{} : ds * slope;
  }

  void write_additive_gradients() {
    write_transposed<C>(x_.key_sum, keys_, count_, s_.dim, work_.key_gradient, batch_, first_, key_head_);
    if (work_.vector_gradient == nullptr) return;
    C* out = static_cast<C*>(work_.vector_gradient) +
             ((batch_ * s_.heads + key_head_) * work_.slices + slice_) * s_.dim;
    for (std::int64_t u = 0; u < s_.dim; ++u) out[u] = sum_lanes<C>(load(x_.vector_sum + u * kLanes<C>));
  }

  void write_rows(const C* sum, std::int64_t width, std::int64_t columns, const backend::HeadsOperand& to) {
    for (std::int64_t key = 0; key < count_; ++key) {
      S* out = at<S>(to, batch_, first_ + key, key_head_);
      for_each_vector<C>(columns, [&](std::int64_t j, std::int64_t n) {
        store_some(out + j, load_some(sum + key * width + j, n), n);
      });
    }
  }

  const AttentionBackward& work_;
  const AttentionShape& s_;
  const PhiloxKeys dropout_keys_{s_.seed};
  std::int64_t batch_, key_head_, slice_;
  const BackwardScratch<S>& x_;
  // The chunk: its queries, how many they are with padding, and their dQ^T.
  IndexRange chunk_{};
  std::int64_t queries_ = 0, query_sum_stride_ = 0;
  C* query_sum_ = nullptr;
  Rows<E> key_rows_{}, value_rows_{};
  // The slice: its first key and how many there are.
  std::int64_t first_ = slice_ * keys_of_a_slice(work_),
               count_ = min_integer(keys_of_a_slice(work_), s_.keys - first_);
  std::int64_t keys_ = padded(count_), dim_ = padded(s_.dim), value_dim_ = padded(s_.value_dim);
  bool is_modified_ = is_modified(s_), is_additive_ = is_additive(s_);
  LookingQueries<C> looking_ = {s_, batch_, x_.looking};
};

std::size_t backward_scratch_bytes(const AttentionBackward& work) {
  Arena arena(nullptr);
  visit_floating(work.shape.dtype, [&]<class S>() { BackwardScratch<S>(arena, work); });
  return arena.used();
}

void backward(const AttentionBackward& work, std::int64_t batch, std::int64_t key_head, std::int64_t slice,
              void* memory) {
  visit_floating(work.shape.dtype, [&]<class S>() {
    Arena arena(memory);
    const BackwardScratch<S> scratch(arena, work);
    const TileScope tiles;
    Head<S>(work, batch, key_head, slice, scratch).run();
  });
}

void combine_slices(const AttentionBackward& work, std::int64_t batch, std::int64_t head) {
  visit_floating(work.shape.dtype, [&]<class S>() {
    using C = Compute<S>;
    C* sum = slice_sum<C>(work, batch, head, 0);
    const std::int64_t count = padded(work.shape.dim) * padded(work.shape.queries);
    for (std::int64_t slice = 1; slice < work.slices; ++slice) {
      const C* other = slice_sum<C>(work, batch, head, slice);
      for (std::int64_t i = 0; i < count; i += kLanes<C>) store(sum + i, load(sum + i) + load(other + i));
    }
    write_query_gradient<S>(work, batch, head, {0, work.shape.queries}, sum);
  });
}

}  // namespace

void fill_backward(backend::AttentionKernels& kernels) {
  kernels.backward_scratch_bytes = backward_scratch_bytes;
  kernels.backward = backward;
  kernels.combine_slices = combine_slices;
}

}  // namespace attend::ATTEND_ISA
