#include "backend/kernels/additive_step.h"

#include "backend/cpu/kernels/table.h"
#include "backend/cpu/vector_math.h"

namespace attend::ATTEND_ISA {

namespace {

using backend::AdditiveStepKernels;

template <class S>
constexpr bool kRough = sizeof(S) == 2;

template <class S>
const S* row_of(const backend::HeadsOperand& x, std::int64_t batch, std::int64_t row, std::int64_t head) {
  return static_cast<const S*>(x.data) + batch * x.batch_stride + row * x.row_stride + head * x.head_stride;
}

struct Interval {
  std::int64_t first, end;
};

Interval keys_of(const AdditiveStepKernels::Shape& work, std::int64_t batch) {
  const backend::AttentionPlace& place = work.place;
  if (place.first_key == nullptr) return {0, work.keys};
  const std::int64_t row = batch * place.row_stride;
  return {place.first_key[row], place.end_key[row]};
}

/// Scores of the keys of an interval become weights that sum to 1; the others weigh 0.
template <class C>
void soften(C* weights, std::int64_t keys, const Interval& seen) {
  for (std::int64_t j = 0; j < keys; ++j)
    if (j < seen.first || j >= seen.end) weights[j] = 0;
  const std::int64_t count = seen.end - seen.first;
  if (count <= 0) return;
  C* scores = weights + seen.first;
  C most = scores[0];
  for (std::int64_t j = 1; j < count; ++j) most = scores[j] > most ? scores[j] : most;
  C sum = 0;
  for_each_vector<C>(count, [&](std::int64_t j, std::int64_t n) {
    store_some(scores + j, exp<C>(load_some(scores + j, n) - most), n);
  });
  for (std::int64_t j = 0; j < count; ++j) sum += scores[j];
  for (std::int64_t j = 0; j < count; ++j) scores[j] /= sum;
}

template <class S>
void forward_row(const AdditiveStepKernels::Forward& work, std::int64_t batch, std::int64_t head) {
  using C = Compute<S>;
  const std::int64_t place = batch * work.heads + head;
  const C *query = static_cast<const C*>(work.query) + place * work.dim,
          *vector = static_cast<const C*>(work.vector) + head * work.dim;
  C* weights = static_cast<C*>(work.weights) + place * work.keys;
  S* output = static_cast<S*>(work.output) + place * work.value_dim;
  const Interval seen = keys_of(work, batch);
  for (std::int64_t j = seen.first; j < seen.end; ++j) {
    const S* key = row_of<S>(work.key, batch, j, head);
    Vector<C> score{};
    for_each_vector<C>(work.dim, [&](std::int64_t u, std::int64_t n) {
      score += load_some(vector + u, n) * tanh<C, kRough<S>>(load_some(query + u, n) + load_some(key + u, n));
    });
    weights[j] = sum_lanes<C>(score);
  }
  soften(weights, work.keys, seen);
  for_each_vector<C>(work.value_dim, [&](std::int64_t i, std::int64_t n) {
    Vector<C> sum{};
    for (std::int64_t j = seen.first; j < seen.end; ++j)
      sum += weights[j] * load_some(row_of<S>(work.value, batch, j, head) + i, n);
    store_some(output + i, sum, n);
  });
}

template <class S>
void backward_row(const AdditiveStepKernels::Backward& work, std::int64_t batch, std::int64_t head) {
  using C = Compute<S>;
  const std::int64_t place = batch * work.heads + head, row = work.heads;
  const C *query = static_cast<const C*>(work.query) + place * work.dim,
          *vector = static_cast<const C*>(work.vector) + head * work.dim,
          *weights = static_cast<const C*>(work.weights) + place * work.keys;
  const S* dy = static_cast<const S*>(work.output_gradient) + place * work.value_dim;
  C *ds = static_cast<C*>(work.score_gradients) + place * work.keys,
    *dquery = static_cast<C*>(work.query_gradient) + place * work.dim,
    *dvector = static_cast<C*>(work.vector_gradient) + place * work.dim;
  S *dkeys = static_cast<S*>(work.key_gradient) + (batch * work.keys * row + head) * work.dim,
    *dvalues = static_cast<S*>(work.value_gradient) + (batch * work.keys * row + head) * work.value_dim;
  const Interval seen = keys_of(work, batch);
  C mean = 0;
  for (std::int64_t j = 0; j < work.keys; ++j) {
    const bool looks = j >= seen.first && j < seen.end;
    const S* value = row_of<S>(work.value, batch, j, head);
    S* dvalue = dvalues + j * row * work.value_dim;
    Vector<C> product{};
    for_each_vector<C>(work.value_dim, [&](std::int64_t i, std::int64_t n) {
      const Vector<C> d = load_some(dy + i, n);
      if (looks) product += d * load_some(value + i, n);
      store_some(dvalue + i, looks ? d * weights[j] : Vector<C>{}, n);
    });
    ds[j] = looks ? sum_lanes<C>(product) : C(0);
    mean += weights[j] * ds[j];
  }
  for (std::int64_t j = 0; j < work.keys; ++j) ds[j] = weights[j] * (ds[j] - mean);
  for_each_vector<C>(work.dim, [&](std::int64_t u, std::int64_t n) {
    const Vector<C> q = load_some(query + u, n), v = load_some(vector + u, n);
    Vector<C> of_query{}, of_vector{};
    for (std::int64_t j = 0; j < work.keys; ++j) {
      Vector<C> d{};
      if (j >= seen.first && j < seen.end) {
        const Vector<C> unit = tanh<C, kRough<S>>(q + load_some(row_of<S>(work.key, batch, j, head) + u, n));
        of_vector += ds[j] * unit;
        d = ds[j] * v * (1 - unit * unit);
        of_query += d;
      }
      store_some(dkeys + j * row * work.dim + u, d, n);
    }
    store_some(dquery + u, of_query, n);
    store_some(dvector + u, of_vector, n);
  });
}

[[gnu::flatten]] void forward(const AdditiveStepKernels::Forward& work, std::int64_t begin,
                              std::int64_t end) {
  visit_floating(work.dtype, [&]<class S>() {
    for (std::int64_t batch = begin; batch < end; ++batch)
      for (std::int64_t head = 0; head < work.heads; ++head) forward_row<S>(work, batch, head);
  });
}

[[gnu::flatten]] void backward(const AdditiveStepKernels::Backward& work, std::int64_t begin,
                               std::int64_t end) {
  visit_floating(work.dtype, [&]<class S>() {
    for (std::int64_t batch = begin; batch < end; ++batch)
      for (std::int64_t head = 0; head < work.heads; ++head) backward_row<S>(work, batch, head);
  });
}

}  // namespace

void fill(backend::AdditiveStepKernels& kernels) {
  kernels.forward = forward;
  kernels.backward = backward;
}

}  // namespace attend::ATTEND_ISA
