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
  double ms = 0;        ///< best of the repeats
  double ms_worst = 0;  ///< worst of them: the spread
  std::int64_t repeats = 0;
  std::optional<double> gflops, limit_gflops;
  std::optional<double> gigabytes_per_second, limit_gigabytes_per_second;
  std::optional<double> fraction;  ///< of the limit
  std::optional<double> tokens_per_second;
  std::optional<std::int64_t> peak_bytes;
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

/// A record with its name, dtype, shape and times.
Record record_of(const std::string& name, DType dtype, const std::string& shape, const Timing& timing);

struct Options {
  std::vector<DType> dtypes = {DType::f32, DType::bf16};
  double seconds = 2;  ///< of measuring, for each line
};

/// GFLOP/s of oneDNN's 2048 x 2048 x 2048 product, measured anew at each call: the limit that others are
/// compared with.
double matmul_limit(DType dtype, double seconds);

using Report = std::function<void(const Record&)>;

void bench_gemm(const Options& options, const Report& report);
void bench_attention(const Options& options, const Report& report);
void bench_train(const Options& options, const Report& report);
void bench_decode(const Options& options, const Report& report);
void bench_startup(const Options& options, const Report& report);

}  // namespace attend::cli::bench
