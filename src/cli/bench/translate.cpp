#include <fmt/format.h>

#include <vector>

#include "attend/decode/seq2seq.h"
#include "attend/model/seq2seq.h"
#include "cli/bench/record.h"

namespace attend::cli::bench {

namespace {

// Tokens of each sentence, read and written.
constexpr std::int64_t kLength = 32;

// The base model of Vaswani et al. (2017), with a vocabulary that is usual today.
model::Seq2SeqConfig base_model() {
  constexpr std::int64_t kVocabulary = 32000;
  return {.source_vocabulary = kVocabulary,
          .target_vocabulary = kVocabulary,
          .shared_vocabulary = true,
          .context = 2 * kLength};
}

// Elements of the matrices that one token meets.
struct Matrices {
  double encoder, decoder;
  double memory;  // keys and values of cross-attention, for a token of the source
  double output;

  explicit Matrices(const model::Seq2SeqConfig& config) {
    const auto dim = static_cast<double>(config.dim), inner = static_cast<double>(config.feed_forward_used());
    const auto layers = static_cast<double>(config.decoder_layers);
    encoder = static_cast<double>(config.encoder_layers) * (4 * dim * dim + 2 * dim * inner);
    decoder = layers * (6 * dim * dim + 2 * dim * inner);
    memory = layers * 2 * dim * dim;
    output = dim * static_cast<double>(config.target_vocabulary);
  }
};

// What a search did: steps, and rows of all of them.
struct Work {
  double steps = 0, rows = 0;
  double compared = 0;  // pairs of a row's token and one it attends to, in one layer of the decoder
};

// Reads the sources and writes kLength tokens for each.
Work translate(const model::Seq2Seq& seq2seq, const Tensor& sources, std::int64_t beam, DType dtype) {
  const nn::Run run = {.compute = dtype};
  const std::vector<std::int64_t> lengths(static_cast<std::size_t>(sources.dim(0)), kLength);
  const decode::StepFunction step = decode::steps_of(seq2seq.writer(sources, {}, kLength + 1, run),
                                                     seq2seq.encoder_decoder_config(), {}, run);
  Work work;
  decode::beam_search(lengths,
                      [&](std::span<const std::int32_t> tokens, std::span<const std::int32_t> parents) {
                        const auto rows = static_cast<double>(tokens.size());
                        work.steps += 1, work.rows += rows, work.compared += rows * (work.steps + kLength);
                        return step(tokens, parents);
                      },
                      {.start = 1, .end = 2, .beam = beam, .max_length = kLength, .min_length = kLength});
  return work;
}

void bench_case(const model::Seq2Seq& seq2seq, std::int64_t batch, std::int64_t beam, DType dtype,
                const Options& options, const Report& report) {
  const model::Seq2SeqConfig& config = seq2seq.config();
  std::vector<std::int32_t> tokens(static_cast<std::size_t>(batch * kLength));
  for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<std::int32_t>(3 + i * 31 % 997);
  const Tensor sources = Tensor::from(tokens, {batch, kLength});
  reset_peak_memory();
  const Work work = translate(seq2seq, sources, beam, dtype);
  const std::int64_t peak_bytes = memory_use().peak;
  const auto translate_again = [&] { translate(seq2seq, sources, beam, dtype); };
  BesideMemory beside;
  if (batch == 1)
    beside = time_beside_memory(translate_again, 2 * options.seconds);
  else
    beside.timing = time(translate_again, 2 * options.seconds);
  const Timing& timing = beside.timing;
  Record record = record_of(fmt::format("translate_{}", beam == 1 ? "greedy" : fmt::format("beam{}", beam)),
                            dtype, fmt::format("B {}, {} tokens to {}", batch, kLength, kLength), timing);
  const Matrices matrices(config);
  const auto dim = static_cast<double>(config.dim), read = static_cast<double>(batch * kLength);
  if (batch == 1) {
    const double elements =
        matrices.encoder + matrices.memory + work.steps * (matrices.decoder + matrices.output);
    add_bandwidth(elements * static_cast<double>(size_of(dtype)), beside.limit, record);
  } else {
    const double compared = static_cast<double>(config.encoder_layers) * read * kLength +
                            static_cast<double>(config.decoder_layers) * work.compared;
    const double flops =
        2 * (read * (matrices.encoder + matrices.memory) + work.rows * (matrices.decoder + matrices.output)) +
        4 * dim * compared;
    record.gflops = flops / timing.best * 1e-9;
    record.limit_gflops = matmul_limit(dtype, options.seconds);
    record.fraction = *record.gflops / *record.limit_gflops;
  }
  record.sentences_per_second = static_cast<double>(batch) / timing.best;
  record.tokens_per_second = read / timing.best;
  record.peak_bytes = peak_bytes;
  report(record);
}

}  // namespace

void bench_translate(const Options& options, const Report& report) {
  for (const DType dtype : options.dtypes) {
    model::Seq2Seq seq2seq(base_model(), 1);
    seq2seq.cast_parameters(dtype);
    for (const std::int64_t batch : {32, 1})
      for (const std::int64_t beam : {1, 4}) bench_case(seq2seq, batch, beam, dtype, options, report);
  }
}

}  // namespace attend::cli::bench
