#include "cli/bench/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

namespace attend::cli::bench {

namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// One more call of `body`; returns its seconds.
double add_call(const std::function<void()>& body, Timing& timing) {
  const auto before = Clock::now();
  body();
  const double took = since(before);
  timing.best = timing.repeats == 0 ? took : std::min(timing.best, took);
  timing.worst = std::max(timing.worst, took);
  ++timing.repeats;
  return took;
}

}  // namespace

std::string to_json(const Record& record) {
  nlohmann::ordered_json line;
  line["name"] = record.name;
  if (!record.dtype.empty()) line["dtype"] = record.dtype;
  if (!record.shape.empty()) line["shape"] = record.shape;
  if (!record.mechanism.empty()) line["mechanism"] = record.mechanism;
  if (!record.note.empty()) {
    line["note"] = record.note;
    return line.dump();
  }
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
  add("sentences_per_second", record.sentences_per_second);
  add("pictures_per_second", record.pictures_per_second);
  add("peak_bytes", record.peak_bytes);
  add("time_over_plain", record.time_over_plain);
  add("composite_ms", record.composite_ms);
  add("composite_peak_bytes", record.composite_peak_bytes);
  add("composite_time_ratio", record.composite_time_ratio);
  add("composite_memory_ratio", record.composite_memory_ratio);
  return line.dump();
}

std::string heading() {
  return fmt::format("{:<20} {:<5} {:<34} {:>9} {:>9} {:>10} {:>10} {:>9} {:>11} {:>9}  {}", "name", "dtype",
                     "shape", "best ms", "worst ms", "speed", "limit", "fraction", "tokens/s", "peak MB",
                     "beside others");
}

std::string to_text(const Record& record) {
  const auto number = [](const auto& value, const char* unit, double scale, int digits) {
    return value ? fmt::format("{:.{}f}{}", static_cast<double>(*value) * scale, digits, unit)
                 : std::string("-");
  };
  const std::string what = fmt::format("{:<20} {:<5} {:<34}", record.name, record.dtype, record.shape);
  if (!record.note.empty()) return fmt::format("{} {}: {}", what, record.mechanism, record.note);
  const bool memory = record.gigabytes_per_second.has_value();
  std::string beside = record.mechanism;
  if (record.time_over_plain) beside += fmt::format(", {:.2f} of the plain time", *record.time_over_plain);
  if (record.composite_time_ratio)
    beside += fmt::format(", composite takes {:.1f} times the time, {:.1f} times the memory",
                          *record.composite_time_ratio, record.composite_memory_ratio.value_or(0));
  if (record.sentences_per_second) beside += fmt::format("{:.1f} sentences/s", *record.sentences_per_second);
  if (record.pictures_per_second) beside += fmt::format("{:.0f} pictures/s", *record.pictures_per_second);
  std::string line = fmt::format(
      "{} {:>9.3f} {:>9.3f} {:>10} {:>10} {:>9} {:>11} {:>9}  {}", what, record.ms, record.ms_worst,
      memory ? number(record.gigabytes_per_second, " GB/s", 1, 1) : number(record.gflops, " GF/s", 1, 0),
      memory ? number(record.limit_gigabytes_per_second, " GB/s", 1, 1)
             : number(record.limit_gflops, " GF/s", 1, 0),
      number(record.fraction, "", 1, 3), number(record.tokens_per_second, "", 1, 0),
      number(record.peak_bytes, "", 1e-6, 1), beside);
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

Timing time(const std::function<void()>& body, double seconds) {
  body();
  Timing timing;
  const auto start = Clock::now();
  while (timing.repeats < 3 || since(start) < seconds) add_call(body, timing);
  return timing;
}

std::vector<Timing> time_in_turn(const std::vector<std::function<void()>>& bodies, double seconds) {
  std::vector<Timing> timings(bodies.size());
  std::vector<double> spent(bodies.size());
  const auto is_done = [&](std::size_t i) {
    const bool is_slow = timings[i].best > seconds;
    return timings[i].repeats >= (is_slow ? 2 : 3) && spent[i] >= seconds;
  };
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    add_call(bodies[i], timings[i]);
    if (timings[i].best > seconds)
      spent[i] = timings[i].best;
    else
      timings[i] = {};  // it was the warm-up
  }
  for (bool any = true; any;) {
    any = false;
    for (std::size_t i = 0; i < bodies.size(); ++i) {
      if (is_done(i)) continue;
      spent[i] += add_call(bodies[i], timings[i]);
      any = true;
    }
  }
  return timings;
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
