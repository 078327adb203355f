#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "attend/autograd/tape.h"
#include "attend/base/parallel.h"
#include "attend/model/gpt.h"
#include "cli/bench/record.h"

namespace attend::cli::bench {

namespace {

// Bytes per second of all threads reading memory that fits in no cache.
double read_bandwidth(double seconds) {
  const Tensor memory = Tensor::zeros({std::int64_t{1} << 27}, DType::f32);  // 512 MiB
  const auto* words = static_cast<const std::uint64_t*>(memory.raw());
  constexpr std::int64_t kCount = (std::int64_t{1} << 29) / 8, kChunk = 1 << 16;
  std::vector<std::uint64_t> sums(kCount / kChunk);
  const Timing timing = time(
      [&] {
        parallel_for(kCount, kChunk, [&](std::int64_t begin, std::int64_t end) {
          std::uint64_t a = 0, b = 0, c = 0, d = 0;
          for (std::int64_t i = begin; i < end; i += 32) {
            for (int j = 0; j < 8; ++j) {
              a += words[i + j];
              b ^= words[i + 8 + j];
              c += words[i + 16 + j];
              d ^= words[i + 24 + j];
            }
          }
          sums[static_cast<std::size_t>(begin / kChunk)] = a + b + c + d;
        });
      },
      seconds);
  return 8.0 * kCount / timing.best;
}

}  // namespace

void bench_decode(const Options& options, const Report& report) {
  constexpr std::int64_t kContext = 512;
  for (const DType dtype : options.dtypes) {
    const double limit = read_bandwidth(options.seconds);
    model::Gpt gpt(model::gpt_preset("gpt2-124m"), 1);
    const model::GptConfig& config = gpt.config();
    gpt.cast_parameters(dtype);
    model::GptCache cache = gpt.make_cache(1, kContext + 1, {.compute = dtype});
    gpt.next_logits(Tensor::zeros({1, kContext}, DType::i32), cache, {.compute = dtype});
    const Tensor token = Tensor::zeros({1, 1}, DType::i32);
    const Timing timing = time(
        [&] {
          cache.truncate(kContext);
          gpt.next_logits(token, cache, {.compute = dtype});
        },
        2 * options.seconds);
    const auto width = static_cast<double>(size_of(dtype));
    const double bytes = width * (static_cast<double>(gpt.matmul_parameters()) +
                                  2.0 * static_cast<double>(config.layers * kContext * config.dim));
    Record record =
        record_of("decode_124m", dtype, fmt::format("B 1, {} tokens of context", kContext), timing);
    record.gigabytes_per_second = bytes / timing.best * 1e-9;
    record.limit_gigabytes_per_second = limit * 1e-9;
    record.fraction = bytes / timing.best / limit;
    record.tokens_per_second = 1 / timing.best;
    report(record);
  }
}

}  // namespace attend::cli::bench
