#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "attend/tensor/dtype.h"

namespace attend::cli::bench {

/// One measurement. Empty fields do not apply.
struct Record {
  std::string name, dtype, shape;
  std::string mechanism;  ///< of attention, with what was changed in it
  double ms = 0;          ///< best of the repeats
  double ms_worst = 0;    ///< worst of them: the spread
  std::int64_t repeats = 0;
  std::optional<double> gflops, limit_gflops;
  std::optional<double> gigabytes_per_second, limit_gigabytes_per_second;
  std::optional<double> fraction;  ///< of the limit
  std::optional<double> tokens_per_second, sentences_per_second, pictures_per_second;
  std::optional<std::int64_t> peak_bytes;
  /// Time over that of plain attention of the same shape, or of the same work unobserved, measured in turn.
  std::optional<double> time_over_plain;
  /// The definition of the same spec, measured in turn, and how many times as much it needs.
  std::optional<double> composite_ms, composite_time_ratio;
  std::optional<std::int64_t> composite_peak_bytes;
  std::optional<double> composite_memory_ratio;
  std::string note;  ///< why something was not measured
};

/// One JSON object on one line.
std::string to_json(const Record& record);
/// One line for people; heading() stands above.
std::string to_text(const Record& record);
std::string heading();

struct Timing {
  double best = 0, worst = 0;  ///< seconds
  std::int64_t repeats = 0;
};

/// Calls `body` once to warm up and then until `seconds` have passed, at least three times.
Timing time(const std::function<void()>& body, double seconds);
/// The same for several bodies in turn, so that what disturbs the machine disturbs all. A body that takes
/// longer than `seconds` is called twice only, the first time counts.
std::vector<Timing> time_in_turn(const std::vector<std::function<void()>>& bodies, double seconds);

/// A record with its name, dtype, shape and times.
Record record_of(const std::string& name, DType dtype, const std::string& shape, const Timing& timing);

/// What attention is measured on.
struct AttentionOptions {
  std::vector<std::string> mechanisms = {"scaled_dot"};              ///< names, or "all"
  std::optional<std::int64_t> length, batch, heads, key_heads, dim;  ///< none set: several usual shapes
  std::optional<bool> causal;                                        ///< not set: both
  // Changes to the mechanism.
  double dropout = 0, soft_cap = 0;
  std::int64_t window = 0;
  bool callable = false;  ///< a score of the user's own
  /// Not set: where it fits in memory.
  std::optional<bool> composite;
};

struct Options {
  std::vector<DType> dtypes = {DType::f32, DType::bf16};
  double seconds = 2;  ///< of measuring, for each line
  AttentionOptions attention = {};
};

/// GFLOP/s of oneDNN's 2048 x 2048 x 2048 product, measured anew at each call: the limit that others are
/// compared with.
double matmul_limit(DType dtype, double seconds);

struct BesideMemory {
  Timing timing;     ///< of the body
  double limit = 0;  ///< bytes per second
};
/// Times `body` in turn with all threads reading memory that fits in no cache, the limit: how fast memory is
/// changes from one second to the next where machines are shared.
BesideMemory time_beside_memory(const std::function<void()>& body, double seconds);
/// Adds what one repeat that reads so many bytes reaches of the limit, in bytes per second.
void add_bandwidth(double bytes, double limit, Record& record);

using Report = std::function<void(const Record&)>;

void bench_gemm(const Options& options, const Report& report);
void bench_attention(const Options& options, const Report& report);
void bench_observe(const Options& options, const Report& report);
void bench_train(const Options& options, const Report& report);
void bench_image(const Options& options, const Report& report);
void bench_decode(const Options& options, const Report& report);
void bench_translate(const Options& options, const Report& report);
void bench_startup(const Options& options, const Report& report);

}  // namespace attend::cli::bench
