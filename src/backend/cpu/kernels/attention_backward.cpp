// Fused attention, backward (Dao, "FlashAttention-2", 2023). With the saved log-sums the weights of any block
// are computed again from queries and keys. Blocks are held transposed, [keys][queries]:
//
//     P^T = 2^(K Q^T - log_sum)      dV += P^T dO           dP^T = V dO^T
//     dS^T = P^T (dP^T - delta)      dK += dS^T Q           dQ^T += K^T dS^T         delta_q = dO_q . O_q
//
// so that log_sum and delta are vectors along the lanes and only dS^T is needed in two layouts.

#include "backend/cpu/attention_block.h"
#include "backend/cpu/attention_dropout.h"
#include "backend/cpu/block_pack.h"
#include "backend/cpu/kernels/table.h"

namespace attend::ATTEND_ISA {

namespace {

using backend::AttentionBackward;
using backend::AttentionShape;

constexpr std::int64_t kKeyBlock = 64;
constexpr std::int64_t kQueryBlock = 128;

// Everything of one key head, and of one query head at a time.
template <class E, class C>
struct Scratch {
  E *key_rows, *key_columns, *value_rows;       // A operands: [keys][dim], [dim][keys], [keys][value dim]
  E* rows;                                      // queries or output gradients as rows, before they are packed
  E *query_columns, *query_panels;              // B operands with k along dim and along queries
  E *gradient_columns, *gradient_panels;        // the same of the output gradients
  C *log_sum, *delta;                           // for each query
  C *scores, *weight_gradients;                 // [kKeyBlock][kQueryBlock]
  E *weights, *score_gradients, *score_panels;  // A, A and B operands of the same block
  C *key_sum, *value_sum;  // dK [keys][dim] and dV [keys][value dim] over the heads of the group
  C* query_sum;            // dQ^T [dim][queries]
  std::uint16_t* mask;

  Scratch(Arena& a, const AttentionShape& s) {
    const std::int64_t keys = padded(s.keys), queries = padded(s.queries), dim = padded(s.dim),
                       value_dim = padded(s.value_dim), block = kKeyBlock * kQueryBlock;
    key_rows = a.take<E>(keys * dim);
    key_columns = a.take<E>(dim * keys);
    value_rows = a.take<E>(keys * value_dim);
    rows = a.take<E>(queries * max_integer(dim, value_dim));
    query_columns = a.take<E>(queries * dim);
    query_panels = a.take<E>(queries * dim);
    gradient_columns = a.take<E>(queries * value_dim);
    gradient_panels = a.take<E>(queries * value_dim);
    log_sum = a.take<C>(queries);
    delta = a.take<C>(queries);
    scores = a.take<C>(block);
    weight_gradients = a.take<C>(block);
    weights = a.take<E>(block);
    score_gradients = a.take<E>(block);
    score_panels = a.take<E>(block);
    key_sum = a.take<C>(keys * dim);
    value_sum = a.take<C>(keys * value_dim);
    query_sum = a.take<C>(dim * queries);
    mask = a.take<std::uint16_t>(s.dropout > 0 ? kDropoutTileWords * (kQueryBlock / kDropoutTile) : 0);
  }
};

template <class S>
class Head {
 public:
  using C = Compute<S>;
  using E = Packed<S>;

  Head(const AttentionBackward& work, std::int64_t batch, std::int64_t key_head, const Scratch<E, C>& scratch)
      : work_(work), s_(work.shape), batch_(batch), key_head_(key_head), x_(scratch) {}

  void run() {
    const std::int64_t group = s_.heads / s_.key_heads;
    pack_keys();
    zero(x_.key_sum, keys_ * dim_);
    zero(x_.value_sum, keys_ * value_dim_);
    for (std::int64_t i = 0; i < group; ++i) {
      const std::int64_t head = key_head_ * group + i;
      pack_queries(head);
      zero(x_.query_sum, dim_ * queries_);
      for (std::int64_t key = 0; key < s_.keys; key += kKeyBlock) key_block(head, key);
      write_query_gradient(head);
    }
    write_rows(x_.key_sum, dim_, s_.dim, work_.key_gradient);
    write_rows(x_.value_sum, value_dim_, s_.value_dim, work_.value_gradient);
  }

 private:
  static void zero(C* p, std::int64_t count) {
    __builtin_memset(p, 0, static_cast<std::size_t>(count) * sizeof(C));
  }

  void pack_keys() {
    key_rows_ = padded_rows_of(at<S>(work_.key, batch_, 0, key_head_), work_.key.row_stride, s_.keys, s_.dim,
                               x_.key_rows, keys_, dim_);
    transpose_rows(key_rows_, keys_, dim_, x_.key_columns);
    value_rows_ = padded_rows_of(at<S>(work_.value, batch_, 0, key_head_), work_.value.row_stride, s_.keys,
                                 s_.value_dim, x_.value_rows, keys_, value_dim_);
  }

  void pack_queries(std::int64_t head) {
    const Rows<E> queries = padded_rows_of(at<S>(work_.query, batch_, 0, head), work_.query.row_stride,
                                           s_.queries, s_.dim, x_.rows, queries_, dim_);
    pack_transposed(queries, queries_, dim_, x_.query_columns);
    pack_panels(queries, queries_, dim_, x_.query_panels);
    const Rows<E> gradients =
        padded_rows_of(at<S>(work_.output_gradient, batch_, 0, head), work_.output_gradient.row_stride,
                       s_.queries, s_.value_dim, x_.rows, queries_, value_dim_);
    pack_transposed(gradients, queries_, value_dim_, x_.gradient_columns);
    pack_panels(gradients, queries_, value_dim_, x_.gradient_panels);
    const C* log_sum = static_cast<const C*>(work_.log_sum) + (batch_ * s_.heads + head) * s_.queries;
    for (std::int64_t q = 0; q < queries_; ++q) {
      // A query beyond the end weighs nothing, like one that may look at nothing.
      x_.log_sum[q] = q < s_.queries ? log_sum[q] : C(__builtin_inf());
      x_.delta[q] = q < s_.queries ? row_delta(head, q) : C(0);
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

  // One block of keys against all queries that may look at it.
  void key_block(std::int64_t head, std::int64_t key) {
    const std::int64_t count = min_integer(kKeyBlock, s_.keys - key), rows = (count + 15) / 16 * 16;
    const std::int64_t reach = s_.keys - s_.queries;
    const std::int64_t first = s_.causal ? max_integer(0, key - reach) / kPadding * kPadding : 0;
    for (std::int64_t query = first; query < queries_; query += kQueryBlock) {
      const std::int64_t columns = min_integer(kQueryBlock, queries_ - query);
      product(key_rows_.data + key * key_rows_.stride, key_rows_.stride, Panels<E>{x_.query_columns, dim_}, 0,
              query, x_.scores, kQueryBlock, rows, columns, dim_, false);
      product(value_rows_.data + key * value_rows_.stride, value_rows_.stride,
              Panels<E>{x_.gradient_columns, value_dim_}, 0, query, x_.weight_gradients, kQueryBlock, rows,
              columns, value_dim_, false);
      weigh(head, key, count, rows, query, columns);
      product(x_.weights, kQueryBlock, Panels<E>{x_.gradient_panels, queries_}, query, 0,
              x_.value_sum + key * value_dim_, value_dim_, rows, value_dim_, columns, true);
      product(x_.score_gradients, kQueryBlock, Panels<E>{x_.query_panels, queries_}, query, 0,
              x_.key_sum + key * dim_, dim_, rows, dim_, columns, true);
      product(x_.key_columns + key, keys_, Panels<E>{x_.score_panels, kKeyBlock}, 0, 0, x_.query_sum + query,
              queries_, dim_, columns, padded(rows), true);
    }
  }

  // Scores and weight gradients of the block become weights and score gradients, in the layouts of the
  // products.
  void weigh(std::int64_t head, std::int64_t key, std::int64_t count, std::int64_t rows, std::int64_t query,
             std::int64_t columns) {
    const std::int64_t reach = s_.keys - s_.queries;
    const Vector<C> scale2 = splat(static_cast<C>(s_.scale * 1.4426950408889634)),
                    scale = splat(static_cast<C>(s_.scale)),
                    keep = splat(static_cast<C>(1 / (1 - s_.dropout)));
    for (std::int64_t r = 0; r < padded(rows); ++r) {
      if (s_.dropout > 0 && r % kDropoutTile == 0 && r < count)
        for (std::int64_t tile = 0; tile < columns; tile += kDropoutTile)
          dropout_tile_by_key(s_, batch_, head, query + tile, key + r,
                              x_.mask + tile / kDropoutTile * kDropoutTileWords);
      // The first query that may look at this key.
      const std::int64_t from = s_.causal ? max_integer(0, key + r - reach - query) : 0;
      for (std::int64_t j = 0; j < columns; j += kLanes<C>) {
        Vector<C> p{}, ds{};
        if (r < count && j + kLanes < C >> from) {
          p = exp2_of<S>(load(x_.scores + r * kQueryBlock + j) * scale2 - load(x_.log_sum + query + j));
          if (j < from) p = lane_numbers<C>() < splat_integer<C>(from - j) ? Vector<C>{} : p;
          Vector<C> dp = load(x_.weight_gradients + r * kQueryBlock + j);
          Vector<C> kept = p;
          if (s_.dropout > 0) {
            const IntegerVector<C> keeps = dropout_lanes<C>(
                x_.mask[j / kDropoutTile * kDropoutTileWords + r % kDropoutTile], j % kDropoutTile);
            kept = keeps ? p * keep : Vector<C>{};
            dp = keeps ? dp * keep : Vector<C>{};
          }
          ds = p * (dp - load(x_.delta + query + j)) * scale;
          p = kept;
        }
        store(x_.weights + r * kQueryBlock + j, p);
        store(x_.score_gradients + r * kQueryBlock + j, ds);
      }
    }
    // B with k along keys; its panels are kKeyBlock deep whatever part of them is used.
    for (std::int64_t panel = 0; panel < columns; panel += kPanel)
      for (std::int64_t r = 0; r < padded(rows); r += kStep<E>)
        pack_step(x_.score_gradients + r * kQueryBlock + panel, kQueryBlock,
                  x_.score_panels + panel * kKeyBlock + r * kPanel);
  }

  void write_query_gradient(std::int64_t head) {
    alignas(64) C tile[16 * 16];
    for (std::int64_t q = 0; q < s_.queries; q += 16)
      for (std::int64_t d = 0; d < s_.dim; d += 16) {
        transpose_words(reinterpret_cast<const Word<C>*>(x_.query_sum + d * queries_ + q), queries_, 16,
                        reinterpret_cast<Word<C>*>(tile));
        const std::int64_t columns = min_integer(16, s_.dim - d);
        for (std::int64_t i = 0; i < min_integer(16, s_.queries - q); ++i) {
          S* out = at<S>(work_.query_gradient, batch_, q + i, head) + d;
          for_each_vector<C>(columns, [&](std::int64_t c, std::int64_t n) {
            store_some(out + c, load_some(tile + i * 16 + c, n), n);
          });
        }
      }
  }

  void write_rows(const C* sum, std::int64_t width, std::int64_t columns, const backend::HeadsOperand& to) {
    for (std::int64_t key = 0; key < s_.keys; ++key) {
      S* out = at<S>(to, batch_, key, key_head_);
      for_each_vector<C>(columns, [&](std::int64_t j, std::int64_t n) {
        store_some(out + j, load_some(sum + key * width + j, n), n);
      });
    }
  }

  const AttentionBackward& work_;
  const AttentionShape& s_;
  std::int64_t batch_, key_head_;
  Scratch<E, C> x_;
  Rows<E> key_rows_{}, value_rows_{};
  std::int64_t keys_ = padded(s_.keys), queries_ = padded(s_.queries), dim_ = padded(s_.dim),
               value_dim_ = padded(s_.value_dim);
};

std::size_t backward_scratch_bytes(const AttentionShape& s) {
  Arena arena(nullptr);
  visit_floating(s.dtype, [&]<class S>() { Scratch<Packed<S>, Compute<S>>(arena, s); });
  return arena.used();
}

void backward(const AttentionBackward& work, std::int64_t batch, std::int64_t key_head, void* memory) {
  visit_floating(work.shape.dtype, [&]<class S>() {
    Arena arena(memory);
    const Scratch<Packed<S>, Compute<S>> scratch(arena, work.shape);
    const TileScope tiles;
    Head<S>(work, batch, key_head, scratch).run();
  });
}

}  // namespace

void fill_backward(backend::AttentionKernels& kernels) {
  kernels.backward_scratch_bytes = backward_scratch_bytes;
  kernels.backward = backward;
}

}  // namespace attend::ATTEND_ISA
