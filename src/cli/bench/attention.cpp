#include <fmt/format.h>

#include "attend/attention/mechanism.h"
#include "attend/autograd/tape.h"
#include "attention/lower.h"
#include "cli/bench/attention_case.h"

namespace attend::cli::bench {

namespace {

using attention::Path;

Path path_of(const AttentionSpec& spec) {
  if (spec.gather.kind != attention::Gather::Kind::weighted_sum) return Path::linear;
  return attention::is_fused(spec) ? Path::fused : Path::composite;
}

// A call of one pass, over inputs of its own: what others measure beside it does not count as its memory.
std::function<void()> body_of(const AttentionInputs& x, const AttentionSpec& spec, bool training,
                              bool by_definition) {
  auto& function = by_definition ? attention::attend_composite : attention::attend;
  if (!training)
    return [x, spec, &function] {
      const autograd::NoGrad no_grad;
      function(x.query, x.key, x.value, spec, x.run);
    };
  return [x, spec, &function] {
    autograd::backward(function(x.query, x.key, x.value, spec, x.run), x.cotangent);
    for (const Tensor& leaf : {x.query, x.key, x.value}) autograd::clear_grad(leaf);
    attention::Parameters parameters = x.run.parameters;
    attention::for_each(parameters,
                        [](const std::string&, const Tensor& leaf) { autograd::clear_grad(leaf); });
  };
}

// The most that one call needs, with the inputs.
std::int64_t peak_of(const std::function<void()>& body) {
  reset_peak_memory();
  body();
  return memory_use().peak;
}

struct Work {
  AttentionShape shape;
  DType dtype;
  bool causal;
  double limit;
};

// What the definition needs about: so many [queries, keys] tensors of f32, and the hidden features of each
// pair.
std::int64_t composite_bytes(const AttentionShape& s, const AttentionSpec& spec, bool training) {
  const bool has_features = spec.score.kind == attention::Score::Kind::additive;
  const std::int64_t matrices = (training ? 6 : 4) + (has_features ? (training ? 3 : 2) * s.dim : 0);
  return matrices * static_cast<std::int64_t>(sizeof(float)) * s.batch * s.heads * s.length * s.length;
}

void bench_case(const Work& work, const AttentionCase& subject, bool training, const Options& options,
                const Report& report) {
  const AttentionShape& s = work.shape;
  const std::string name = training ? "attention_train" : "attention_forward",
                    shape = text_of(s) + (work.causal ? " causal" : "");
  const Path path = path_of(subject.spec);
  const std::int64_t needed = composite_bytes(s, subject.spec, training);
  // Half of it: the rest may be asked for by others.
  const bool fits = needed < available_memory() / 2;
  if (path == Path::composite && !fits) {
    Record record;
    record.name = name, record.dtype = name_of(work.dtype), record.shape = shape;
    record.mechanism = subject.name;
    constexpr double kGigabyte = 1e9;
    record.note = fmt::format("has no fused kernel, and its matrices need about {:.0f} GB",
                              static_cast<double>(needed) / kGigabyte);
    report(record);
    return;
  }
  const bool with_plain = !subject.is_plain,
             with_composite = path != Path::composite && options.attention.composite.value_or(fits);
  const AttentionInputs inputs = random_inputs(s, subject.spec, work.dtype);
  std::vector<std::function<void()>> bodies = {body_of(inputs, subject.spec, training, false)};
  if (with_plain) {
    AttentionInputs plain = inputs;
    plain.run.parameters = {};
    // One answer of all heads has another gradient.
    plain.cotangent = random_tensor(inputs.query.shape(), work.dtype, 5);
    bodies.push_back(body_of(plain, attention::scaled_dot(work.causal), training, false));
  }
  if (with_composite) bodies.push_back(body_of(inputs, subject.spec, training, true));
  const std::int64_t peak = peak_of(bodies.front());
  const std::int64_t composite_peak = with_composite ? peak_of(bodies.back()) : 0;
  const std::vector<Timing> timings = time_in_turn(bodies, options.seconds);
  const double best = timings.front().best;
  Record record = record_of(name, work.dtype, shape, timings.front());
  record.mechanism = subject.name;
  record.peak_bytes = peak;
  if (path != Path::linear) {
    // Two products over the pairs that may look at each other, and five in backward.
    const double forward = 4.0 * static_cast<double>(s.batch * s.heads * s.dim) *
                           static_cast<double>(allowed_pairs(subject.spec.place, s.length));
    record.gflops = (training ? 3.5 : 1) * forward / best * 1e-9;
    record.limit_gflops = work.limit;
    record.fraction = *record.gflops / work.limit;
  }
  if (with_plain) record.time_over_plain = best / timings[1].best;
  if (with_composite) {
    record.composite_ms = 1e3 * timings.back().best;
    record.composite_peak_bytes = composite_peak;
    record.composite_time_ratio = timings.back().best / best;
    record.composite_memory_ratio = static_cast<double>(composite_peak) / static_cast<double>(peak);
  }
  report(record);
  bodies.clear();
  release_cached_memory();
}

}  // namespace

void bench_attention(const Options& options, const Report& report) {
  const std::vector<AttentionShape> shapes = shapes_of(options.attention, {{16, 256, 6, 6, 64},
                                                                           {1, 1024, 25, 25, 64},
                                                                           {4, 4096, 8, 8, 64},
                                                                           {1, 16384, 8, 8, 128},
                                                                           {32, 128, 12, 12, 64}});
  for (const DType dtype : options.dtypes)
    for (const AttentionShape& shape : shapes) {
      const double limit = matmul_limit(dtype, options.seconds);
      for (const bool causal : {false, true}) {
        if (options.attention.causal.value_or(causal) != causal) continue;
        for (const AttentionCase& subject : cases_of(options.attention, causal))
          for (const bool training : {false, true})
            bench_case({shape, dtype, causal, limit}, subject, training, options, report);
      }
    }
}

}  // namespace attend::cli::bench
