#include "attend/op/crf.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "backend/cast.h"
#include "op/check.h"
#include "op/chunk.h"

namespace attend::op {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// The scores in f64, and the lengths.
struct Chain {
  std::int64_t batch = 0, places = 0, classes = 0;
  std::vector<double> emissions = {}, transitions = {}, start = {}, end = {};
  std::vector<double> arrivals = {};  // transitions, the tag arrived at first
  std::vector<std::int64_t> lengths = {};

  std::int64_t length(std::int64_t row) const { return lengths[static_cast<std::size_t>(row)]; }
  const double* emission(std::int64_t row, std::int64_t place) const {
    return emissions.data() + (row * places + place) * classes;
  }
  /// Rows for one thread, from the sizes alone.
  std::int64_t grain() const {
    return std::max<std::int64_t>(1, kChunkElements / std::max<std::int64_t>(1, places * classes * classes));
  }
};

void check_shape(const char* what, const Tensor& tensor, const Shape& shape) {
  check_floating(what, tensor);
  if (!(tensor.shape() == shape))
    throw Error(fmt::format("{}: {} given, {} needed", what, tensor.text(), shape.text()));
}

std::vector<std::int64_t> checked_lengths(const Tensor& lengths, std::int64_t batch, std::int64_t places) {
  if ((lengths.dtype() != DType::i32 && lengths.dtype() != DType::i64) || !(lengths.shape() == Shape{batch}))
    throw Error(fmt::format("crf: lengths {}, i32 or i64 [{}] needed", lengths.text(), batch));
  std::vector<std::int64_t> result = lengths.to_vector<std::int64_t>();
  for (const std::int64_t length : result)
    if (length < 0 || length > places)
      throw Error(fmt::format("crf: a length of {}, 0 to {} accepted", length, places));
  return result;
}

Chain chain_of(const CrfScores& scores, const Tensor& lengths) {
  check_floating("crf: emissions", scores.emissions);
  if (scores.emissions.rank() != 3 || scores.emissions.dim(2) < 1)
    throw Error(fmt::format("crf: emissions {}, [N, T, C] needed", scores.emissions.text()));
  Chain chain{.batch = scores.emissions.dim(0),
              .places = scores.emissions.dim(1),
              .classes = scores.emissions.dim(2)};
  const std::int64_t classes = chain.classes;
  check_shape("crf: transitions", scores.transitions, {classes, classes});
  check_shape("crf: start", scores.start, {classes});
  check_shape("crf: end", scores.end, {classes});
  chain.lengths = checked_lengths(lengths, chain.batch, chain.places);
  chain.emissions = scores.emissions.to_vector<double>();
  chain.transitions = scores.transitions.to_vector<double>();
  chain.start = scores.start.to_vector<double>();
  chain.end = scores.end.to_vector<double>();
  chain.arrivals.resize(chain.transitions.size());
  for (std::int64_t i = 0; i < classes; ++i)
    for (std::int64_t j = 0; j < classes; ++j)
      chain.arrivals[static_cast<std::size_t>(j * classes + i)] =
          chain.transitions[static_cast<std::size_t>(i * classes + j)];
  return chain;
}

/// Tags that count, at [row * places + place].
std::vector<std::int64_t> checked_tags(const Chain& chain, const Tensor& tags) {
  if ((tags.dtype() != DType::i32 && tags.dtype() != DType::i64) ||
      !(tags.shape() == Shape{chain.batch, chain.places}))
    throw Error(
        fmt::format("crf: tags {}, i32 or i64 [{}, {}] needed", tags.text(), chain.batch, chain.places));
  std::vector<std::int64_t> result = tags.to_vector<std::int64_t>();
  for (std::int64_t row = 0; row < chain.batch; ++row)
    for (std::int64_t t = 0; t < chain.length(row); ++t)
      if (const std::int64_t tag = result[static_cast<std::size_t>(row * chain.places + t)];
          tag < 0 || tag >= chain.classes)
        throw Error(fmt::format("crf: tag {} at place {} of sequence {}, 0 to {} accepted", tag, t, row,
                                chain.classes - 1));
  return result;
}

/// log sum_i exp(a_i + b_i).
double log_sum_exp(const double* a, const double* b, std::int64_t count) {
  double largest = -kInfinity;
  for (std::int64_t i = 0; i < count; ++i)
    if (!(a[i] + b[i] <= largest)) largest = a[i] + b[i];
  if (largest == -kInfinity) return largest;
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += std::exp(a[i] + b[i] - largest);
  return largest + std::log(sum);
}

/// alpha[t, c]: log of the sum over all beginnings that have tag c at place t. Returns log Z.
double forward(const Chain& chain, std::int64_t row, double* alpha) {
  const std::int64_t classes = chain.classes, length = chain.length(row);
  if (length == 0) return 0;
  for (std::int64_t c = 0; c < classes; ++c)
    alpha[c] = chain.start[static_cast<std::size_t>(c)] + chain.emission(row, 0)[c];
  for (std::int64_t t = 1; t < length; ++t) {
    const double* before = alpha + (t - 1) * classes;
    for (std::int64_t c = 0; c < classes; ++c)
      alpha[t * classes + c] =
          log_sum_exp(before, chain.arrivals.data() + c * classes, classes) + chain.emission(row, t)[c];
  }
  return log_sum_exp(alpha + (length - 1) * classes, chain.end.data(), classes);
}

double score_of(const Chain& chain, std::int64_t row, const std::int64_t* tags) {
  const std::int64_t length = chain.length(row);
  if (length == 0) return 0;
  double score =
      chain.start[static_cast<std::size_t>(tags[0])] + chain.end[static_cast<std::size_t>(tags[length - 1])];
  for (std::int64_t t = 0; t < length; ++t) {
    score += chain.emission(row, t)[tags[t]];
    if (t > 0) score += chain.transitions[static_cast<std::size_t>(tags[t - 1] * chain.classes + tags[t])];
  }
  return score;
}

/// What the backward algorithm adds to: probabilities times `scale`. Null: not wanted.
struct Expectations {
  double* emissions;  // [places, classes] of the row
  double* transitions = nullptr;
  double scale = 1;
};

void backward(const Chain& chain, std::int64_t row, const double* alpha, double log_z,
              const Expectations& out) {
  const std::int64_t classes = chain.classes, length = chain.length(row);
  if (length == 0) return;
  // beta[c]: log of the sum over all ends after tag c at place t. ahead[c]: with the emission of c in it.
  std::vector<double> beta = chain.end, ahead(beta.size());
  for (std::int64_t t = length - 1;; --t) {
    const double* a = alpha + t * classes;
    for (std::int64_t c = 0; c < classes; ++c)
      out.emissions[t * classes + c] +=
          out.scale * std::exp(a[c] + beta[static_cast<std::size_t>(c)] - log_z);
    if (t == 0) return;
    for (std::int64_t c = 0; c < classes; ++c)
      ahead[static_cast<std::size_t>(c)] = chain.emission(row, t)[c] + beta[static_cast<std::size_t>(c)];
    for (std::int64_t from = 0; from < classes; ++from) {
      const double* leaving = chain.transitions.data() + from * classes;
      const double so_far = alpha[(t - 1) * classes + from] - log_z;
      for (std::int64_t to = 0; out.transitions != nullptr && to < classes; ++to)
        out.transitions[from * classes + to] +=
            out.scale * std::exp(so_far + leaving[to] + ahead[static_cast<std::size_t>(to)]);
      beta[static_cast<std::size_t>(from)] = log_sum_exp(leaving, ahead.data(), classes);
    }
  }
}

/// What the forward pass leaves for the backward pass.
struct Saved {
  Chain chain;
  std::vector<std::int64_t> tags = {};
  std::vector<double> alpha = {}, log_z = {};

  double* alpha_of(std::int64_t row) { return alpha.data() + row * chain.places * chain.classes; }
  const double* alpha_of(std::int64_t row) const { return alpha.data() + row * chain.places * chain.classes; }
  const std::int64_t* tags_of(std::int64_t row) const { return tags.data() + row * chain.places; }
};

/// Gradients of all scores in f64.
struct Gradients {
  std::vector<double> emissions, transitions, start, end;
};

/// Adds `scale` times (expected - found) of one sequence.
void add_gradients(const Saved& saved, std::int64_t row, double scale, Gradients& sums, double* emissions) {
  const Chain& chain = saved.chain;
  const std::int64_t length = chain.length(row), classes = chain.classes;
  if (length == 0) return;
  backward(chain, row, saved.alpha_of(row), saved.log_z[static_cast<std::size_t>(row)],
           {.emissions = emissions, .transitions = sums.transitions.data(), .scale = scale});
  const std::int64_t* tags = saved.tags_of(row);
  for (std::int64_t t = 0; t < length; ++t) {
    emissions[t * classes + tags[t]] -= scale;
    if (t > 0) sums.transitions[static_cast<std::size_t>(tags[t - 1] * classes + tags[t])] -= scale;
  }
  // The first and the last tag have scores of their own beside those of their places.
  for (std::int64_t c = 0; c < classes; ++c) {
    sums.start[static_cast<std::size_t>(c)] += emissions[c];
    sums.end[static_cast<std::size_t>(c)] += emissions[(length - 1) * classes + c];
  }
}

Gradients gradients_of(const Saved& saved, const std::vector<double>& scales) {
  const Chain& chain = saved.chain;
  const std::int64_t grain = chain.grain(), chunks = (chain.batch + grain - 1) / grain;
  const auto classes = static_cast<std::size_t>(chain.classes);
  Gradients all{.emissions = std::vector<double>(chain.emissions.size()),
                .transitions = std::vector<double>(classes * classes),
                .start = std::vector<double>(classes),
                .end = std::vector<double>(classes)};
  std::vector<Gradients> partial(
      static_cast<std::size_t>(chunks),
      {.emissions = {}, .transitions = all.transitions, .start = all.start, .end = all.end});
  parallel_for(chain.batch, grain, [&](std::int64_t begin, std::int64_t end) {
    Gradients& sums = partial[static_cast<std::size_t>(begin / grain)];
    for (std::int64_t row = begin; row < end; ++row)
      add_gradients(saved, row, scales[static_cast<std::size_t>(row)], sums,
                    all.emissions.data() + row * chain.places * chain.classes);
  });
  const auto add = [](std::vector<double>& sum, const std::vector<double>& part) {
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += part[i];
  };
  for (const Gradients& part : partial) {
    add(all.transitions, part.transitions);
    add(all.start, part.start);
    add(all.end, part.end);
  }
  return all;
}

Tensor in_dtype_of(const Tensor& like, const std::vector<double>& values) {
  const Tensor tensor = Tensor::from(values, like.shape());
  return like.dtype() == DType::f64 ? tensor : backend::cast(tensor, like.dtype());
}

std::int64_t count_sequences(const Chain& chain) {
  return std::ranges::count_if(chain.lengths, [](std::int64_t length) { return length > 0; });
}

Saved forward_all(Chain chain) {
  Saved saved{.chain = std::move(chain)};
  saved.alpha.resize(saved.chain.emissions.size());
  saved.log_z.resize(static_cast<std::size_t>(saved.chain.batch));
  parallel_for(saved.chain.batch, saved.chain.grain(), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row)
      saved.log_z[static_cast<std::size_t>(row)] = forward(saved.chain, row, saved.alpha_of(row));
  });
  return saved;
}

/// The best tagging of one sequence; returns its score.
double best_path(const Chain& chain, std::int64_t row, std::int64_t* tags) {
  const std::int64_t classes = chain.classes, length = chain.length(row);
  if (length == 0) return 0;
  std::vector<double> best(static_cast<std::size_t>(classes)), next(best.size());
  std::vector<std::int64_t> came_from(static_cast<std::size_t>(length * classes));
  for (std::int64_t c = 0; c < classes; ++c)
    best[static_cast<std::size_t>(c)] = chain.start[static_cast<std::size_t>(c)] + chain.emission(row, 0)[c];
  for (std::int64_t t = 1; t < length; ++t) {
    for (std::int64_t c = 0; c < classes; ++c) {
      const double* arriving = chain.arrivals.data() + c * classes;
      std::int64_t from = 0;
      for (std::int64_t i = 1; i < classes; ++i)
        if (best[static_cast<std::size_t>(i)] + arriving[i] >
            best[static_cast<std::size_t>(from)] + arriving[from])
          from = i;
      came_from[static_cast<std::size_t>(t * classes + c)] = from;
      next[static_cast<std::size_t>(c)] =
          best[static_cast<std::size_t>(from)] + arriving[from] + chain.emission(row, t)[c];
    }
    best.swap(next);
  }
  for (std::size_t c = 0; c < best.size(); ++c) best[c] += chain.end[c];
  const auto last = std::ranges::max_element(best);
  tags[length - 1] = last - best.begin();
  for (std::int64_t t = length - 1; t > 0; --t)
    tags[t - 1] = came_from[static_cast<std::size_t>(t * classes + tags[t])];
  return *last;
}

}  // namespace

Tensor crf_negative_log_likelihood(const CrfScores& scores, const Tensor& tags, const Tensor& lengths,
                                   Reduction reduction) {
  Chain chain = chain_of(scores, lengths);
  std::vector<std::int64_t> checked = checked_tags(chain, tags);
  Saved saved = forward_all(std::move(chain));
  saved.tags = std::move(checked);
  const std::int64_t batch = saved.chain.batch, sequences = count_sequences(saved.chain);
  std::vector<double> losses(static_cast<std::size_t>(batch));
  double sum = 0;
  for (std::int64_t row = 0; row < batch; ++row) {
    const auto i = static_cast<std::size_t>(row);
    losses[i] = saved.log_z[i] - score_of(saved.chain, row, saved.tags_of(row));
    sum += losses[i];
  }
  const DType dtype = parameter_dtype(scores.emissions.dtype());
  const double factor = reduction != Reduction::mean ? 1
                        : sequences == 0             ? 0
                                                     : 1 / static_cast<double>(sequences);
  const Tensor all = Tensor::from(losses, {batch});
  const Tensor result = reduction != Reduction::none
                            ? Tensor::full({}, sequences == 0 ? 0 : sum * factor, dtype)
                        : dtype == DType::f64 ? all
                                              : backend::cast(all, dtype);
  const autograd::Tensors inputs = {scores.emissions, scores.transitions, scores.start, scores.end};
  if (autograd::is_recording(inputs)) {
    autograd::Tensors likes;
    for (const Tensor& input : inputs) likes.push_back(input.detach());
    autograd::record(
        "crf_negative_log_likelihood", inputs, {result},
        [saved = std::move(saved), likes, factor, reduction](const autograd::Tensors& gradients) {
          std::vector<double> scales = gradients[0].to_vector<double>();
          if (reduction != Reduction::none)
            scales.assign(static_cast<std::size_t>(saved.chain.batch), factor * scales[0]);
          const Gradients g = gradients_of(saved, scales);
          return autograd::Tensors{in_dtype_of(likes[0], g.emissions), in_dtype_of(likes[1], g.transitions),
                                   in_dtype_of(likes[2], g.start), in_dtype_of(likes[3], g.end)};
        });
  }
  return result;
}

CrfPaths crf_decode(const CrfScores& scores, const Tensor& lengths) {
  const Chain chain = chain_of(scores, lengths);
  std::vector<std::int64_t> tags(static_cast<std::size_t>(chain.batch * chain.places), -1);
  std::vector<double> best(static_cast<std::size_t>(chain.batch));
  parallel_for(chain.batch, chain.grain(), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row)
      best[static_cast<std::size_t>(row)] = best_path(chain, row, tags.data() + row * chain.places);
  });
  return {.tags = Tensor::from(tags, {chain.batch, chain.places}),
          .scores = Tensor::from(best, {chain.batch})};
}

Tensor crf_marginals(const CrfScores& scores, const Tensor& lengths) {
  const Saved saved = forward_all(chain_of(scores, lengths));
  const Chain& chain = saved.chain;
  std::vector<double> probabilities(chain.emissions.size());
  parallel_for(chain.batch, chain.grain(), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row)
      backward(chain, row, saved.alpha_of(row), saved.log_z[static_cast<std::size_t>(row)],
               {.emissions = probabilities.data() + row * chain.places * chain.classes});
  });
  const Tensor all = Tensor::from(probabilities, scores.emissions.shape());
  const DType dtype = parameter_dtype(scores.emissions.dtype());
  return dtype == DType::f64 ? all : backend::cast(all, dtype);
}

}  // namespace attend::op
