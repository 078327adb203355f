#include <fmt/format.h>

#include "attend/attention/cache.h"
#include "attend/attention/mechanism.h"
#include "attend/model/gpt.h"
#include "cli/bench/attention_case.h"

namespace attend::cli::bench {

namespace {

void bench_model(DType dtype, const Options& options, const Report& report) {
  constexpr std::int64_t kContext = 512;
  model::Gpt gpt(model::gpt_preset("gpt2-124m"), 1);
  const model::GptConfig& config = gpt.config();
  gpt.cast_parameters(dtype);
  model::GptCache cache = gpt.make_cache(1, kContext + 1, {.compute = dtype});
  gpt.next_logits(Tensor::zeros({1, kContext}, DType::i32), cache, {.compute = dtype});
  const Tensor token = Tensor::zeros({1, 1}, DType::i32);
  const auto [timing, limit] = time_beside_memory(
      [&] {
        cache.truncate(kContext);
        gpt.next_logits(token, cache, {.compute = dtype});
      },
      2 * options.seconds);
  const auto width = static_cast<double>(size_of(dtype));
  const double bytes = width * (static_cast<double>(gpt.matmul_parameters()) +
                                2.0 * static_cast<double>(config.layers * kContext * config.dim));
  Record record = record_of("decode_124m", dtype, fmt::format("B 1, {} tokens of context", kContext), timing);
  add_bandwidth(bytes, limit, record);
  record.tokens_per_second = 1 / timing.best;
  report(record);
}

// One query against a long cache: reading the keys and values is all there is to do.
void bench_query(DType dtype, const Options& options, const Report& report) {
  constexpr std::int64_t kKeys = 32768, kHeads = 32, kKeyHeads = 8, kDim = 128;
  attention::KeyValueCache cache(1, kKeys, kKeyHeads, kDim, dtype);
  const Tensor keys = random_tensor({1, kKeys, kKeyHeads, kDim}, dtype, 1);
  cache.append(keys, keys);
  const Tensor query = random_tensor({1, 1, kHeads, kDim}, dtype, 2);
  const AttentionSpec spec = attention::scaled_dot(true);
  const auto [timing, limit] =
      time_beside_memory([&] { attention::attend_cached(query, cache, spec); }, options.seconds);
  const double bytes = 2.0 * static_cast<double>(size_of(dtype)) * kKeys * kKeyHeads * kDim;
  Record record = record_of("decode_attention", dtype,
                            fmt::format("{} keys, H {}:{} D {}", kKeys, kHeads, kKeyHeads, kDim), timing);
  add_bandwidth(bytes, limit, record);
  report(record);
}

}  // namespace

void bench_decode(const Options& options, const Report& report) {
  for (const DType dtype : options.dtypes) {
    bench_query(dtype, options, report);
    bench_model(dtype, options, report);
  }
}

}  // namespace attend::cli::bench
