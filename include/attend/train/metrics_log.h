#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace attend::train {

/// A value of a log line. Numbers that are infinite or NaN become null, which is all that JSON has for them.
using MetricValue = std::variant<double, std::int64_t, std::string>;
using Metrics = std::vector<std::pair<std::string, MetricValue>>;

/// Appends lines such as {"step":100,"loss":2.25,"learning_rate":0.001} to a file, each one whole and at
/// once.
class MetricsLog {
 public:
  /// Opens the file for the run that goes on after `last_step`: drops what an interrupted run wrote about
  /// later steps, and a last line that was not finished; the rest stays. A new run gives -1 and so starts an
  /// empty file. Throws Error naming the file when it cannot be opened.
  explicit MetricsLog(const std::filesystem::path& path, std::int64_t last_step = -1);
  ~MetricsLog();
  MetricsLog(MetricsLog&&) noexcept;
  MetricsLog& operator=(MetricsLog&&) noexcept;

  /// Steps must not decrease from line to line. Throws Error when the line cannot be written (disk full); the
  /// file then ends with the line before.
  void write(std::int64_t step, const Metrics& metrics);

 private:
  struct File;
  std::unique_ptr<File> file_;
};

/// Appends scalars to an event file of TensorBoard: records of length, masked CRC-32C, an `Event` in
/// protocol-buffer encoding, masked CRC-32C.
class EventFile {
 public:
  /// The name that TensorBoard looks for in a folder.
  static constexpr const char* kName = "events.out.tfevents.attend";

  /// Opens the file for the run that goes on after `last_step`, as MetricsLog does.
  explicit EventFile(const std::filesystem::path& path, std::int64_t last_step = -1);
  ~EventFile();
  EventFile(EventFile&&) noexcept;
  EventFile& operator=(EventFile&&) noexcept;

  /// Appends the numbers among the metrics. `seconds` is the time since 1970. Throws Error as
  /// MetricsLog::write does.
  void write(std::int64_t step, const Metrics& metrics, double seconds);

 private:
  struct File;
  std::unique_ptr<File> file_;
};

}  // namespace attend::train
