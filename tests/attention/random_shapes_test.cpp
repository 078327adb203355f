// Mechanisms, sizes, dtypes and threads drawn at random: the fused kernels and the decode path against the
// definition, outputs and all gradients.
//
// Each case is a function of its seed alone. The suite runs a fixed number of them; ATTEND_FUZZ_SECONDS runs
// new ones for that long, from ATTEND_FUZZ_SEED on, and a failure names the seed that repeats it (make fuzz).

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <limits>
#include <sstream>
#include <string>

#include "attend/attention/attend.h"
#include "attend/attention/cache.h"
#include "attend/attention/score_function.h"
#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "attention/lower.h"
#include "backend/cast.h"
#include "support/compare.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using attention::Place;
using attention::Score;
using attention::Weigh;
using autograd::Tensors;

const auto kBend = attention::score_function(
    [](auto s, const attention::ScoreIndex& i) {
      return s / (1 + s * s) +
             static_cast<decltype(s)>(0.01) * static_cast<decltype(s)>(i.query - i.key + i.head);
    },
    [](auto s) { return (1 - s * s) / ((1 + s * s) * (1 + s * s)); });
const auto kOwnMask = std::make_shared<attention::MaskFunction>(
    attention::MaskFunction{[](std::int64_t i, std::int64_t j) { return (i * 7 + j * 3) % 5 < 2; }});

// What was drawn, in words, as it is drawn.
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : random_(seed) {}

  std::int64_t from(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(high - low + 1)));
  }
  bool one_in(std::int64_t count) { return from(1, count) == 1; }
  double between(double low, double high) { return low + (high - low) * random_.uniform(); }
  template <class T>
  T of(const std::vector<T>& choices) {
    return choices[static_cast<std::size_t>(from(0, static_cast<std::int64_t>(choices.size()) - 1))];
  }
  /// Sizes at which blocks begin and end, as often as others.
  std::int64_t size(std::int64_t most) {
    const std::int64_t special =
        of<std::int64_t>({1, 2, 8, 16, 31, 33, 63, 64, 65, 80, 127, 128, 129, 192, 256, 257});
    return one_in(2) ? std::min(special, most) : from(1, most);
  }
  std::uint64_t seed() { return random_.next().stream; }
  Generator& generator() { return random_; }

  template <class T>
  void say(const char* name, const T& value) {
    std::ostringstream text;
    text << name << ' ' << value << ", ";
    words_ += text.str();
  }
  std::string words() const { return words_; }
  /// Words since there were `count` of their characters.
  void forget_from(std::size_t count) { words_.resize(count); }

 private:
  Generator random_;
  std::string words_;
};

struct Case {
  std::int64_t batch = 1, queries = 1, keys = 1, heads = 1, key_heads = 1, dim = 1, value_dim = 1;
  DType dtype = DType::f32;
  AttentionSpec spec;
  attention::Run run;
  bool packed = false;
};

void draw_sizes(Draw& draw, Case& c, std::int64_t most_queries, std::int64_t most_keys) {
  constexpr std::int64_t kMostWork = 1'000'000;
  do {
    c.batch = draw.from(1, 3), c.key_heads = draw.from(1, 3), c.heads = c.key_heads * draw.from(1, 3);
    c.queries = draw.size(most_queries);
    c.keys = draw.one_in(2) && most_queries == most_keys ? c.queries : draw.size(most_keys);
    c.dim = draw.size(256), c.value_dim = draw.one_in(2) ? c.dim : draw.size(256);
  } while (c.batch * c.heads * c.queries * c.keys * (c.dim + c.value_dim) > kMostWork);
  c.dtype = draw.of<DType>({DType::f32, DType::f32, DType::bf16, DType::bf16, DType::f64});
  draw.say("dtype", name_of(c.dtype)), draw.say("batch", c.batch), draw.say("queries", c.queries);
  draw.say("keys", c.keys), draw.say("heads", c.heads), draw.say("key heads", c.key_heads);
  draw.say("d", c.dim), draw.say("d_v", c.value_dim);
}

void draw_score(Draw& draw, Score& score) {
  using enum Score::Kind;
  score.kind = draw.of<Score::Kind>({dot, dot, dot, dot, bilinear, cosine, euclidean, pearson, additive});
  if (draw.one_in(5)) score.scale = draw.between(0.05, 0.5);
  if (draw.one_in(5)) score.soft_cap = draw.between(0.5, 5);
  if (draw.one_in(8)) score.function = kBend;
  draw.say("score", static_cast<int>(score.kind)), draw.say("scale", score.scale);
  draw.say("soft cap", score.soft_cap), draw.say("own function", score.function != nullptr);
}

void draw_place(Draw& draw, const Case& c, Place& place) {
  if (draw.one_in(2)) place.mask = Place::Mask::causal;
  if (place.mask == Place::Mask::causal && draw.one_in(6)) place.prefix = draw.from(1, c.keys);
  if (draw.one_in(4)) place.window = draw.size(c.keys);
  if (draw.one_in(8)) place.dilation = draw.from(2, 4);
  if (draw.one_in(8)) place.global_tokens = draw.from(1, 5);
  if (draw.one_in(8)) place.block = draw.from(3, 40), place.seed = draw.seed();
  if (draw.one_in(12)) place.function = kOwnMask;
  using enum Place::Positions;
  place.positions = draw.of<Place::Positions>({none, none, none, none, alibi, alibi_learned, buckets, span});
  place.span_ramp = draw.between(1, 40), place.span_limit = draw.from(1, 200);
  place.bucket_distance = draw.from(20, 200);
  draw.say("causal", place.mask == Place::Mask::causal), draw.say("prefix", place.prefix);
  draw.say("window", place.window), draw.say("dilation", place.dilation);
  draw.say("global tokens", place.global_tokens), draw.say("block", place.block);
  draw.say("own mask", place.function != nullptr), draw.say("positions", static_cast<int>(place.positions));
}

void draw_weigh(Draw& draw, Weigh& weigh) {
  if (draw.one_in(6)) weigh.kind = Weigh::Kind::sigmoid, weigh.sigmoid_bias = draw.between(-3, 0);
  if (draw.one_in(4)) weigh.temperature = draw.between(0.6, 2);
  if (weigh.kind == Weigh::Kind::softmax) weigh.sink = draw.one_in(6);
  draw.say("sigmoid", weigh.kind == Weigh::Kind::sigmoid), draw.say("temperature", weigh.temperature);
  draw.say("sink", weigh.sink);
}

// Ids of documents that lie together, from 0 or from where others have ended.
Tensor documents(Draw& draw, std::int64_t batch, std::int64_t length) {
  std::vector<std::int32_t> ids;
  for (std::int64_t b = 0; b < batch; ++b) {
    auto id = static_cast<std::int32_t>(draw.from(0, 1));
    const std::int64_t mean = draw.from(1, length);
    for (std::int64_t i = 0; i < length; ++i) ids.push_back(id += draw.one_in(mean) ? 1 : 0);
  }
  return Tensor::from(ids, {batch, length});
}

void draw_run(Draw& draw, Case& c) {
  if (draw.one_in(4)) {
    std::vector<std::int32_t> lengths;
    for (std::int64_t b = 0; b < c.batch; ++b)
      lengths.push_back(static_cast<std::int32_t>(draw.from(0, c.keys)));
    c.run.key_lengths = Tensor::from(lengths, {c.batch});
    draw.say("key lengths", c.run.key_lengths.text());
  }
  if (draw.one_in(6)) {
    c.run.documents = documents(draw, c.batch, c.queries);
    c.run.key_documents = documents(draw, c.batch, c.keys);
    draw.say("documents", true);
  }
}

// The parameters away from where papers start them, rounded as those of the dtype are.
void draw_parameters(Draw& draw, Case& c) {
  const std::int64_t hidden = c.spec.score.kind == Score::Kind::additive ? draw.from(1, 40) : 0;
  c.run.parameters = attention::initial_parameters(
      c.spec, {.heads = c.heads, .dim = c.dim, .value_dim = c.value_dim, .hidden = hidden, .keys = c.keys},
      draw.generator());
  attention::for_each(c.run.parameters, [&](const std::string&, Tensor& parameter) {
    parameter = backend::cast(parameter, DType::f32).clone();
    const Tensor noise = test::random_tensor(parameter.shape(), DType::f32, draw.seed());
    for (std::int64_t i = 0; i < parameter.elements(); ++i)
      parameter.data<float>()[i] += 0.3F * std::abs(noise.data<float>()[i]);
  });
}

bool is_drawable(const Case& c) {
  const Score& score = c.spec.score;
  // Directions of short vectors turn fast: their gradients lose all digits in both paths.
  constexpr std::int64_t kLeastDirection = 8;
  const bool by_direction = score.kind == Score::Kind::cosine || score.kind == Score::Kind::pearson;
  if (by_direction && c.dim < kLeastDirection) return false;
  // Beyond its span a score is -infinity, and this function of that is no number.
  if (score.function != nullptr && c.spec.place.positions == Place::Positions::span) return false;
  return attention::is_fused(c.spec);
}

Case draw_case(Draw& draw) {
  Case c;
  constexpr std::int64_t kMostLength = 400;
  draw_sizes(draw, c, kMostLength, kMostLength);
  const std::size_t mark = draw.words().size();
  do {
    c.spec = {};
    draw.forget_from(mark);
    draw_score(draw, c.spec.score);
    draw_place(draw, c, c.spec.place);
    draw_weigh(draw, c.spec.weigh);
  } while (!is_drawable(c));
  if (draw.one_in(3)) c.spec.weigh.dropout = draw.between(0.05, 0.5);
  draw.say("dropout", c.spec.weigh.dropout);
  c.run.training = true;
  c.run.random = {draw.seed(), 9};
  draw_run(draw, c);
  draw_parameters(draw, c);
  c.packed = c.heads == c.key_heads && c.queries == c.keys && c.dim == c.value_dim && draw.one_in(2);
  draw.say("packed", c.packed);
  return c;
}

struct Operands {
  Tensor query, key, value, cotangent;
};

// Random numbers that the dtype has.
Operands operands_of(Draw& draw, const Case& c) {
  const auto random = [&](const Shape& shape) {
    return backend::cast(test::random_tensor(shape, DType::f64, draw.seed() + 1000), c.dtype);
  };
  return {random({c.batch, c.queries, c.heads, c.dim}), random({c.batch, c.keys, c.key_heads, c.dim}),
          random({c.batch, c.keys, c.key_heads, c.value_dim}),
          random({c.batch, c.queries, c.heads, c.value_dim})};
}

Tensor leaf_of(const Tensor& tensor, DType dtype) {
  const Tensor leaf = backend::cast(tensor, dtype).clone();
  autograd::set_requires_grad(leaf);
  return leaf;
}

// Three tensors [batch, length, heads, d] side by side.
Tensor packed_of(const Operands& x) {
  const Shape& s = x.query.shape();
  const Tensor qkv = Tensor::empty({s[0], s[1], 3, s[2], s[3]}, x.query.dtype());
  const Tensor* parts[] = {&x.query, &x.key, &x.value};
  const auto& strides = qkv.strides();
  for (std::int64_t part = 0; part < 3; ++part)
    qkv.view_as(s, {strides[0], strides[1], strides[3], 1}, part * strides[2]).copy_from(*parts[part]);
  return qkv;
}

// The output and the gradients of all that has one, the operands first.
Tensors results_of(const Case& c, const Operands& x, DType dtype, bool by_definition) {
  attention::Run run = c.run;
  Tensors leaves;
  attention::for_each(run.parameters, [&](const std::string&, Tensor& parameter) {
    parameter = leaf_of(parameter, dtype == DType::f64 ? DType::f64 : DType::f32);
    leaves.push_back(parameter);
  });
  Tensors results;
  if (c.packed && !by_definition) {
    const Tensor qkv = packed_of(
        {backend::cast(x.query, dtype), backend::cast(x.key, dtype), backend::cast(x.value, dtype), {}});
    autograd::set_requires_grad(qkv);
    results.push_back(attention::attend_packed(qkv, c.spec, run));
    autograd::backward(results[0], backend::cast(x.cotangent, dtype));
    const Tensor gradient = autograd::grad(qkv);
    const auto& strides = gradient.strides();
    for (std::int64_t part = 0; part < 3; ++part)
      results.push_back(
          gradient.view_as(x.query.shape(), {strides[0], strides[1], strides[3], 1}, part * strides[2])
              .clone());
  } else {
    const Tensor q = leaf_of(x.query, dtype), k = leaf_of(x.key, dtype), v = leaf_of(x.value, dtype);
    results.push_back(by_definition ? attention::attend_composite(q, k, v, c.spec, run)
                                    : attention::attend(q, k, v, c.spec, run));
    autograd::backward(results[0], backend::cast(x.cotangent, dtype));
    for (const Tensor& leaf : {q, k, v}) results.push_back(autograd::grad(leaf));
  }
  for (const Tensor& leaf : leaves) results.push_back(autograd::grad(leaf));
  return results;
}

// Largest |got - exact| as a part of 1 + the largest |exact|; infinite for numbers that are none.
double error_of(const Tensor& got, const Tensor& exact) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  if (!got.defined() || !exact.defined()) return got.defined() == exact.defined() ? 0 : kInfinite;
  if (!(got.shape() == exact.shape())) return kInfinite;
  const std::vector<double> a = got.to_vector<double>(), b = exact.to_vector<double>();
  double largest = 0, error = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i]) || !std::isfinite(b[i])) return kInfinite;
    error = std::max(error, std::abs(a[i] - b[i])), largest = std::max(largest, std::abs(b[i]));
  }
  return error / (1 + largest);
}

// Products of bf16 and sums of f32 leave this much. In bf16 each row brings the rounding of its output, which
// the backward pass reads. The gradients of the slopes have distances as factors. Where there is one key
// only, the terms of all gradients but its value's cancel: what is left is the rounding of each row. So they
// do where a query sees only keys at the edge of a span, and the span's own gradient divides them by what is
// left of the edge.
double tolerance_of(const Case& c, std::size_t result) {
  constexpr std::size_t kValue = 3, kFirstParameter = 4;
  constexpr double kNear = 8, kRounding = 4e-6, kFewRows = 4;
  const bool is_gradient = result > 0, is_parameter = result >= kFirstParameter;
  const auto rows =
      static_cast<double>(c.queries * (is_parameter ? c.batch * c.heads : c.heads / c.key_heads));
  const bool far = is_parameter && c.spec.place.positions == Place::Positions::alibi_learned;
  const auto farthest = static_cast<double>(std::max(c.queries, c.keys));
  const bool is_span = is_parameter && c.spec.place.positions == Place::Positions::span;
  const bool cancels = is_gradient && result != kValue && (c.keys == 1 || is_span);
  switch (c.dtype) {
    case DType::f64:
      return 1e-11 * (cancels ? rows : 1);
    case DType::f32:
      return std::max((is_gradient ? 3e-4 : 2e-5) * (cancels ? rows : 1),
                      far ? kRounding * farthest * std::sqrt(static_cast<double>(c.batch * c.queries)) : 0);
    default:
      return (far ? std::max(1.0, farthest / kNear) : 1) * (is_parameter ? 0.2 : 0.04) *
             (cancels       ? rows
              : is_gradient ? std::max(1.0, std::sqrt(rows) / kFewRows)
                            : 1);
  }
}

std::string compare(const Tensors& got, const Tensors& exact, const Case& c) {
  for (std::size_t i = 0; i < exact.size(); ++i) {
    const double error = error_of(got[i], exact[i]), tolerance = tolerance_of(c, i);
    if (!(error <= tolerance)) {
      std::ostringstream text;
      text << (i == 0 ? std::string("output") : "gradient " + std::to_string(i)) << " is wrong by " << error
           << " of its size, " << tolerance << " is allowed";
      return text.str();
    }
  }
  return "";
}

// Empty when the kernels agree with the definition for this seed.
std::string check_attention(std::uint64_t seed) {
  Draw draw(seed);
  const int before = threads();
  std::string wrong;
  try {
    const Case c = draw_case(draw);
    const Operands x = operands_of(draw, c);
    const int first = draw.one_in(2) ? 1 : 2;
    draw.say("threads", first);
    const Tensors exact = results_of(c, x, DType::f64, true);
    set_threads(first);
    const Tensors got = results_of(c, x, c.dtype, false);
    wrong = compare(got, exact, c);
    set_threads(3 - first);
    const Tensors again = results_of(c, x, c.dtype, false);
    for (std::size_t i = 0; i < got.size() && wrong.empty(); ++i)
      if (got[i].defined() && !test::same_bits(got[i], again[i]))
        wrong =
            "result " + std::to_string(i) + " has other bits with " + std::to_string(3 - first) + " threads";
  } catch (const Error& error) {
    wrong = error.what();
  }
  set_threads(before);
  return wrong.empty() ? "" : wrong + "\n" + draw.words();
}

// The same for few queries at the end of a cache.
std::string check_decode(std::uint64_t seed) {
  Draw draw(seed);
  const int before = threads();
  std::string wrong;
  try {
    Case c;
    constexpr std::int64_t kMostQueries = 6, kMostKeys = 1500;
    do {
      draw.forget_from(0);
      draw_sizes(draw, c, kMostQueries, kMostKeys);
    } while (c.keys < c.queries || c.dim != c.value_dim);
    const std::size_t mark = draw.words().size();
    do {
      c.spec = {};
      draw.forget_from(mark);
      draw_score(draw, c.spec.score);
      draw_place(draw, c, c.spec.place);
      draw_weigh(draw, c.spec.weigh);
    } while (!is_drawable(c) || !attention::can_decode(c.spec));
    if (draw.one_in(4)) draw_run(draw, c);
    draw_parameters(draw, c);
    const Operands x = operands_of(draw, c);
    set_threads(draw.one_in(2) ? 1 : 2);
    draw.say("threads", threads());
    attention::KeyValueCache cache(c.batch, c.keys + draw.from(0, 9), c.key_heads, c.dim, c.dtype);
    cache.append(x.key, x.value);
    const Tensor got = attention::attend_cached(x.query, cache, c.spec, c.run);
    const auto wide = [](const Tensor& tensor) { return backend::cast(tensor, DType::f64); };
    attention::Run exact_run = c.run;
    attention::for_each(exact_run.parameters,
                        [&](const std::string&, Tensor& parameter) { parameter = wide(parameter); });
    const Tensor exact =
        attention::attend_composite(wide(x.query), wide(x.key), wide(x.value), c.spec, exact_run);
    wrong = compare({got}, {exact}, c);
  } catch (const Error& error) {
    wrong = error.what();
  }
  set_threads(before);
  return wrong.empty() ? "" : wrong + "\n" + draw.words();
}

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// `cases` of them, or as many as fit into the time that is asked for.
void check_many(const std::function<std::string(std::uint64_t)>& check, std::uint64_t cases) {
  using Clock = std::chrono::steady_clock;
  const std::uint64_t first = number_from("ATTEND_FUZZ_SEED", 1),
                      seconds = number_from("ATTEND_FUZZ_SECONDS", 0);
  const auto end = Clock::now() + std::chrono::seconds(seconds);
  std::uint64_t seed = first;
  for (; seconds > 0 ? Clock::now() < end : seed < first + cases; ++seed) {
    const std::string wrong = check(seed);
    EXPECT_TRUE(wrong.empty()) << wrong << "\nrepeat it with ATTEND_FUZZ_SEED=" << seed;
    if (!wrong.empty() && seconds > 0) return;
  }
  std::cout << seed - first << " cases, seeds from " << first << "\n";
}

TEST(RandomShapes, FusedEqualsTheComposite) {
  check_many(check_attention, 30);
}

TEST(RandomShapes, DecodeEqualsTheComposite) {
  check_many(check_decode, 50);
}

}  // namespace
}  // namespace attend
