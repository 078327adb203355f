#include <fmt/format.h>

#include <algorithm>

#include "attend/autograd/tape.h"
#include "attend/model/gpt.h"
#include "attend/train/optimizer.h"
#include "cli/bench/record.h"

namespace attend::cli::bench {

namespace {

struct Step {
  const char* name;
  std::int64_t dim, layers, heads, length, batch;
};

// Tokens that depend on their place alone: what they are does not change the work.
Tensor some_tokens(std::int64_t batch, std::int64_t length, std::int64_t vocabulary, std::int64_t shift) {
  std::vector<std::int32_t> tokens(static_cast<std::size_t>(batch * length));
  for (std::size_t i = 0; i < tokens.size(); ++i)
    tokens[i] = static_cast<std::int32_t>((static_cast<std::int64_t>(i) * 31 + shift) % vocabulary);
  return Tensor::from(tokens, {batch, length});
}

void bench_step(const Step& s, DType dtype, double limit, const Options& options, const Report& report) {
  constexpr std::int64_t kVocabulary = 65;
  const model::GptConfig config = {
      .vocabulary = kVocabulary, .context = s.length, .layers = s.layers, .heads = s.heads, .dim = s.dim};
  const model::Gpt gpt(config, 1);
  train::AdamW optimizer(gpt.parameters());
  const Tensor tokens = some_tokens(s.batch, s.length, kVocabulary, 0),
               targets = some_tokens(s.batch, s.length, kVocabulary, 31);
  reset_peak_memory();
  const Timing timing = time(
      [&] {
        Generator random(1);
        const nn::Run run = {.training = true, .random = &random, .compute = dtype};
        autograd::backward(gpt.loss(tokens, targets, run));
        const double norm = train::gradient_norm(optimizer.parameters());
        optimizer.step(1e-4, std::min(1.0, 1.0 / norm));
        for (const auto& parameter : optimizer.parameters()) autograd::clear_grad(parameter.tensor);
      },
      2 * options.seconds);
  const auto count = static_cast<double>(s.batch * s.length);
  Record record =
      record_of(fmt::format("train_{}", s.name), dtype,
                fmt::format("d {} L {} H {} T {} B {}", s.dim, s.layers, s.heads, s.length, s.batch), timing);
  record.gflops = gpt.training_flops_per_token(s.length) * count / timing.best * 1e-9;
  record.limit_gflops = limit;
  record.fraction = *record.gflops / limit;
  record.tokens_per_second = count / timing.best;
  record.peak_bytes = memory_use().peak;
  report(record);
}

}  // namespace

void bench_train(const Options& options, const Report& report) {
  for (const DType dtype : options.dtypes)
    for (const Step& step : {Step{"d384", 384, 6, 6, 256, 16}, Step{"d128", 128, 4, 4, 64, 12}})
      bench_step(step, dtype, matmul_limit(dtype, options.seconds), options, report);
}

}  // namespace attend::cli::bench
