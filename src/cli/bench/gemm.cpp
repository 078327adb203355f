#include <fmt/format.h>

#include <algorithm>

#include "attend/autograd/tape.h"
#include "attend/op/matmul.h"
#include "cli/bench/record.h"

namespace attend::cli::bench {

namespace {

Timing time_product(std::int64_t m, std::int64_t n, std::int64_t k, DType dtype, double seconds) {
  const autograd::NoGrad no_grad;
  const Tensor a = Tensor::full({m, k}, 0.5, dtype), b = Tensor::full({k, n}, 0.25, dtype);
  return time([&] { op::matmul(a, b); }, seconds);
}

}  // namespace

double matmul_limit(DType dtype, double seconds) {
  constexpr std::int64_t n = 2048;
  return 2e-9 * n * n * n / time_product(n, n, n, dtype, seconds).best;
}

void bench_gemm(const Options& options, const Report& report) {
  struct Product {
    std::int64_t m, n, k;
  };
  for (const DType dtype : options.dtypes) {
    const double limit = matmul_limit(dtype, options.seconds);
    for (const Product& p : {Product{2048, 2048, 2048}, Product{4096, 1536, 384}, Product{4096, 384, 1536},
                             Product{384, 1536, 4096}, Product{768, 512, 128}}) {
      const Timing timing = time_product(p.m, p.n, p.k, dtype, options.seconds / 2);
      Record record = record_of("gemm", dtype, fmt::format("m {} n {} k {}", p.m, p.n, p.k), timing);
      record.gflops =
          2e-9 * static_cast<double>(p.m) * static_cast<double>(p.n) * static_cast<double>(p.k) / timing.best;
      record.limit_gflops = std::max(limit, p.m == 2048 ? *record.gflops : 0);
      record.fraction = *record.gflops / *record.limit_gflops;
      report(record);
    }
  }
}

}  // namespace attend::cli::bench
