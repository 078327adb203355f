#include <fmt/format.h>

#include "attend/attention/attend.h"
#include "attend/autograd/tape.h"
#include "cli/bench/record.h"

namespace attend::cli::bench {

namespace {

struct Shape4 {
  std::int64_t batch, length, heads, dim;
};

void bench_shape(const Shape4& s, bool causal, DType dtype, double limit, const Options& options,
                 const Report& report) {
  const Tensor qkv = Tensor::full({s.batch, s.length, 3, s.heads, s.dim}, 0.01, dtype);
  const Tensor cotangent = Tensor::full({s.batch, s.length, s.heads, s.dim}, 0.01, dtype);
  autograd::set_requires_grad(qkv);
  AttentionSpec spec;
  spec.place.mask = causal ? attention::Place::Mask::causal : attention::Place::Mask::none;
  // Of the pairs that may look at each other; backward makes five products of forward's two.
  const double forward_flops = 4.0 * static_cast<double>(s.batch * s.heads * s.length) *
                               static_cast<double>(s.length * s.dim) / (causal ? 2 : 1);
  const std::string shape =
      fmt::format("B {} T {} H {} D {}{}", s.batch, s.length, s.heads, s.dim, causal ? " causal" : "");
  const auto measure = [&](const std::string& name, double flops, const std::function<void()>& body) {
    reset_peak_memory();
    const Timing timing = time(body, options.seconds);
    Record record = record_of(name, dtype, shape, timing);
    record.gflops = flops / timing.best * 1e-9;
    record.limit_gflops = limit;
    record.fraction = *record.gflops / limit;
    record.peak_bytes = memory_use().peak;
    report(record);
  };
  measure("attention_forward", forward_flops, [&] {
    const autograd::NoGrad no_grad;
    attention::attend_packed(qkv, spec);
  });
  measure("attention_train", 3.5 * forward_flops, [&] {
    autograd::backward(attention::attend_packed(qkv, spec), cotangent);
    autograd::clear_grad(qkv);
  });
}

}  // namespace

void bench_attention(const Options& options, const Report& report) {
  for (const DType dtype : options.dtypes) {
    const double limit = matmul_limit(dtype, options.seconds);
    for (const Shape4& shape : {Shape4{16, 256, 6, 64}, Shape4{1, 1024, 25, 64}, Shape4{4, 4096, 8, 64},
                                Shape4{1, 16384, 8, 128}, Shape4{32, 128, 12, 64}})
      for (const bool causal : {false, true}) bench_shape(shape, causal, dtype, limit, options, report);
  }
}

}  // namespace attend::cli::bench
