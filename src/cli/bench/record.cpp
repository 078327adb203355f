#include "cli/bench/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

namespace attend::cli::bench {

std::string to_json(const Record& record) {
  nlohmann::ordered_json line;
  line["name"] = record.name;
  if (!record.dtype.empty()) line["dtype"] = record.dtype;
  if (!record.shape.empty()) line["shape"] = record.shape;
  line["ms"] = record.ms;
  line["ms_worst"] = record.ms_worst;
  line["repeats"] = record.repeats;
  const auto add = [&](const char* key, const auto& value) {
    if (value) line[key] = *value;
  };
  add("gflops", record.gflops);
  add("limit_gflops", record.limit_gflops);
  add("gigabytes_per_second", record.gigabytes_per_second);
  add("limit_gigabytes_per_second", record.limit_gigabytes_per_second);
  add("fraction", record.fraction);
  add("tokens_per_second", record.tokens_per_second);
  add("peak_bytes", record.peak_bytes);
  return line.dump();
}

std::string heading() {
  return fmt::format("{:<20} {:<5} {:<34} {:>9} {:>9} {:>10} {:>10} {:>9} {:>11} {:>9}", "name", "dtype",
                     "shape", "best ms", "worst ms", "speed", "limit", "fraction", "tokens/s", "peak MB");
}

std::string to_text(const Record& record) {
  const auto number = [](const auto& value, const char* unit, double scale, int digits) {
    return value ? fmt::format("{:.{}f}{}", static_cast<double>(*value) * scale, digits, unit)
                 : std::string("-");
  };
  const bool memory = record.gigabytes_per_second.has_value();
  return fmt::format(
      "{:<20} {:<5} {:<34} {:>9.3f} {:>9.3f} {:>10} {:>10} {:>9} {:>11} {:>9}", record.name, record.dtype,
      record.shape, record.ms, record.ms_worst,
      memory ? number(record.gigabytes_per_second, " GB/s", 1, 1) : number(record.gflops, " GF/s", 1, 0),
      memory ? number(record.limit_gigabytes_per_second, " GB/s", 1, 1)
             : number(record.limit_gflops, " GF/s", 1, 0),
      number(record.fraction, "", 1, 3), number(record.tokens_per_second, "", 1, 0),
      number(record.peak_bytes, "", 1e-6, 1));
}

Timing time(const std::function<void()>& body, double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  body();
  Timing timing;
  const auto start = Clock::now();
  while (timing.repeats < 3 || since(start) < seconds) {
    const auto before = Clock::now();
    body();
    const double took = since(before);
    timing.best = timing.repeats == 0 ? took : std::min(timing.best, took);
    timing.worst = std::max(timing.worst, took);
    ++timing.repeats;
  }
  return timing;
}

Record record_of(const std::string& name, DType dtype, const std::string& shape, const Timing& timing) {
  Record record;
  record.name = name;
  record.dtype = name_of(dtype);
  record.shape = shape;
  record.ms = timing.best * 1e3;
  record.ms_worst = timing.worst * 1e3;
  record.repeats = timing.repeats;
  return record;
}

}  // namespace attend::cli::bench
