#include "attend/train/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <utility>

namespace attend::train {
namespace {

constexpr const char* kClearLine = "\r\x1b[K";

std::string short_number(double value) {
  if (value >= 999500) return fmt::format("{:.3g}M", value / 1e6);
  if (value >= 999.5) return fmt::format("{:.3g}k", value / 1e3);
  return fmt::format("{:.3g}", value);
}

std::string short_bytes(std::int64_t bytes) {
  const auto value = static_cast<double>(bytes);
  return value >= 999.5e6 ? fmt::format("{:.2f} GB", value / 1e9) : fmt::format("{:.0f} MB", value / 1e6);
}

std::string duration(double seconds) {
  const auto s = static_cast<std::int64_t>(std::llround(std::clamp(seconds, 0.0, 1e9)));
  return s >= 3600 ? fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
                   : fmt::format("{}:{:02}", s / 60, s % 60);
}

std::string bar(double part) {
  constexpr int kWidth = 20;
  const int full = static_cast<int>(std::clamp(part, 0.0, 1.0) * kWidth);
  return fmt::format(" [{:#>{}}{:->{}}]", "", full, "", kWidth - full);
}

/// The part of the run that is over, by time when there is no number of steps.
double part_done(const StepReport& report) {
  if (report.steps > 0) return static_cast<double>(report.step) / static_cast<double>(report.steps);
  const double all = report.seconds + report.seconds_left;
  return all > 0 ? report.seconds / all : 0;
}

Progress::Sink sink_of(std::ostream& stream) {
  return [&stream](std::string_view text) { stream << text << std::flush; };
}

}  // namespace

std::string describe(const StepReport& report, int columns) {
  const std::string step = report.steps > 0 ? fmt::format("step {}/{}", report.step, report.steps)
                                            : fmt::format("step {}", report.step);
  std::string rest = fmt::format("  loss {:.4g}  lr {:.2g}", report.loss, report.learning_rate);
  if (report.items_per_second > 0)
    rest += fmt::format("  {} {}/s", short_number(report.items_per_second), report.item);
  rest += fmt::format("  {} left", duration(report.seconds_left));
  rest += fmt::format("  {}, peak {}", short_bytes(report.memory.current), short_bytes(report.memory.peak));
  const std::string with_bar = step + bar(part_done(report)) + rest;
  if (columns <= 0 || with_bar.size() <= static_cast<std::size_t>(columns)) return with_bar;
  return (step + rest).substr(0, static_cast<std::size_t>(columns));
}

Progress::Progress(Sink sink) : Progress(std::move(sink), Options()) {}
Progress::Progress(std::ostream& stream) : Progress(stream, Options()) {}
Progress::Progress(std::ostream& stream, const Options& options) : Progress(sink_of(stream), options) {}
Progress::Progress(Sink sink, const Options& options) : sink_(std::move(sink)), options_(options) {
  if (options_.interval <= 0) options_.interval = options_.terminal ? 0.1 : 10;
}

Progress::~Progress() {
  try {
    finish();
  } catch (...) {
    // A sink that fails here has nobody left to hear of it.
  }
}

void Progress::on_step(const StepReport& report) {
  latest_ = report;
  pending_ = true;
  if (shown_at_ < 0 || report.seconds - shown_at_ >= options_.interval || report.seconds < shown_at_) draw();
}

void Progress::on_evaluation(const EvaluationReport& report) {
  line(fmt::format("step {}  validation loss {:.4g}{}{}", report.step, report.loss,
                   report.metric ? fmt::format(", metric {:.4f}", *report.metric) : "",
                   report.best ? ", the best so far" : ""));
}

void Progress::on_message(std::string_view text) {
  line(std::string(text));
}

void Progress::finish() {
  if (pending_) draw();
  if (drawn_) sink_("\n");
  drawn_ = false;
}

void Progress::draw() {
  pending_ = false;
  shown_at_ = latest_.seconds;
  if (!options_.terminal) {
    sink_(describe(latest_) + "\n");
    return;
  }
  // In the last column some terminals would go on to the next line.
  sink_(kClearLine + describe(latest_, std::max(options_.columns - 1, 1)));
  drawn_ = true;
}

void Progress::line(const std::string& text) {
  sink_((drawn_ ? kClearLine : "") + text + "\n");
  const bool redraw = drawn_;
  drawn_ = false;
  if (redraw) draw();
}

}  // namespace attend::train
