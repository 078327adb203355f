#include "attend/train/metrics_log.h"

#include <nlohmann/json.hpp>
#include <string_view>

#include "attend/io/file.h"
#include "train/append_file.h"

namespace attend::train {
namespace {

/// The step of a log line, or -1 when it has none.
std::int64_t step_of(std::string_view line) {
  const nlohmann::json parsed = nlohmann::json::parse(line, nullptr, false);
  if (!parsed.is_object()) return -1;
  const auto step = parsed.find("step");
  return step != parsed.end() && step->is_number_integer() ? step->get<std::int64_t>() : -1;
}

/// Length of the part of the file that a run going on after `last_step` keeps: up to its last finished line
/// about a step that is done. A damaged line between good ones is kept for the reader to see.
std::size_t kept_length(std::string_view content, std::int64_t last_step) {
  std::size_t kept = 0;
  for (std::size_t begin = 0, end; (end = content.find('\n', begin)) != content.npos; begin = end + 1) {
    const std::int64_t step = step_of(content.substr(begin, end - begin));
    if (step > last_step) break;
    if (step >= 0) kept = end + 1;
  }
  return kept;
}

}  // namespace

struct MetricsLog::File : AppendFile {
  using AppendFile::AppendFile;
};

MetricsLog::MetricsLog(const std::filesystem::path& path, std::int64_t last_step)
    : file_(std::make_unique<File>(path)) {
  file_->truncate(last_step < 0 ? 0 : kept_length(io::read_file(path), last_step));
}

MetricsLog::~MetricsLog() = default;
MetricsLog::MetricsLog(MetricsLog&&) noexcept = default;
MetricsLog& MetricsLog::operator=(MetricsLog&&) noexcept = default;

void MetricsLog::write(std::int64_t step, const Metrics& metrics) {
  nlohmann::ordered_json line;
  line["step"] = step;
  for (const auto& [name, value] : metrics)
    std::visit([&, &key = name](const auto& v) { line[key] = v; }, value);
  file_->append(line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

}  // namespace attend::train
