// What it costs to be told where attention looked: the forward pass with streamed statistics beside the same
// pass without, for the layer with its projections and for attention alone.

#include "attend/attention/observe.h"
#include "attend/autograd/tape.h"
#include "attend/nn/multi_head_attention.h"
#include "cli/bench/attention_case.h"

namespace attend::cli::bench {

namespace {

class CountsStatistics : public attention::Observer {
 public:
  bool wants(std::int64_t /*layer*/) override { return false; }
  void observe(std::int64_t /*layer*/, const Tensor& /*weights*/) override {}
  std::optional<attention::StatisticsOptions> wants_statistics(std::int64_t /*layer*/) override {
    return attention::StatisticsOptions{};
  }
};

using Pass = std::function<void(const attention::Run&)>;

struct Subject {
  std::string name, shape, mechanism;
  DType dtype;
};

void bench_pass(const Subject& subject, const Pass& pass, const attention::Run& run, const Options& options,
                const Report& report) {
  CountsStatistics observer;
  attention::Run observed = run;
  observed.observer = &observer;
  const auto plain_body = [&] { pass(run); };
  const auto observed_body = [&] { pass(observed); };
  reset_peak_memory();
  observed_body();
  const std::int64_t peak = memory_use().peak;
  const std::vector<Timing> timings = time_in_turn({observed_body, plain_body}, options.seconds);
  Record record = record_of(subject.name, subject.dtype, subject.shape, timings.front());
  record.mechanism = subject.mechanism;
  record.peak_bytes = peak;
  record.time_over_plain = timings.front().best / timings.back().best;
  report(record);
}

void bench_case(const AttentionShape& s, const AttentionCase& subject, DType dtype, bool causal,
                const Options& options, const Report& report) {
  const std::string shape = text_of(s) + (causal ? " causal" : "");
  {
    const AttentionInputs x = random_inputs(s, subject.spec, dtype);
    bench_pass(
        {"observe_attention", shape, subject.name, dtype},
        [&](const attention::Run& run) {
          const autograd::NoGrad no_grad;
          attention::attend(x.query, x.key, x.value, subject.spec, run);
        },
        x.run, options, report);
  }
  Generator random(1);
  const std::int64_t dim = s.heads * s.dim;
  nn::MultiHeadAttention layer(
      dim, {.heads = s.heads, .key_heads = s.key_heads, .attention = subject.spec, .longest = s.length},
      random);
  layer.cast_parameters(dtype);
  const Tensor x = random_tensor({s.batch, s.length, dim}, dtype, 1);
  bench_pass(
      {"observe_layer", shape, subject.name, dtype},
      [&](const attention::Run& run) {
        const autograd::NoGrad no_grad;
        layer.forward(x, run);
      },
      {}, options, report);
}

}  // namespace

void bench_observe(const Options& options, const Report& report) {
  const std::vector<AttentionShape> shapes =
      shapes_of(options.attention, {{4, 4096, 8, 8, 64}, {1, 16384, 8, 8, 128}});
  for (const DType dtype : options.dtypes)
    for (const AttentionShape& shape : shapes)
      for (const bool causal : {false, true}) {
        if (options.attention.causal.value_or(causal) != causal) continue;
        for (const AttentionCase& subject : cases_of(options.attention, causal))
          bench_case(shape, subject, dtype, causal, options, report);
      }
}

}  // namespace attend::cli::bench
