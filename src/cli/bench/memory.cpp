#include <cstdint>
#include <vector>

#include "attend/base/parallel.h"
#include "attend/tensor/tensor.h"
#include "cli/bench/record.h"

namespace attend::cli::bench {

BesideMemory time_beside_memory(const std::function<void()>& body, double seconds) {
  const Tensor memory = Tensor::zeros({std::int64_t{1} << 27}, DType::f32);  // 512 MiB: more than any cache
  const auto* words = static_cast<const std::uint64_t*>(memory.raw());
  constexpr std::int64_t kCount = (std::int64_t{1} << 29) / 8, kChunk = 1 << 16;
  std::vector<std::uint64_t> sums(kCount / kChunk);
  const auto read = [&] {
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
  };
  const std::vector<Timing> timings = time_in_turn({body, read}, seconds);
  return {.timing = timings[0], .limit = 8.0 * kCount / timings[1].best};
}

void add_bandwidth(double bytes, double limit, Record& record) {
  record.gigabytes_per_second = bytes / record.ms * 1e-6;
  record.limit_gigabytes_per_second = limit * 1e-9;
  record.fraction = *record.gigabytes_per_second / *record.limit_gigabytes_per_second;
}

}  // namespace attend::cli::bench
