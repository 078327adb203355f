#include "attend/data/labelled_text.h"

#include <fmt/format.h>

#include <utility>

#include "attend/data/delimited.h"
#include "attend/data/json_lines.h"
#include "data/record_messages.h"

namespace attend::data {

class LabelledTextReader::Source {
 public:
  Source() = default;
  virtual ~Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual std::optional<std::vector<std::string>> next() = 0;
  virtual std::string place() const = 0;
};

namespace {

/// The text, then its labels.
std::vector<std::string> columns_of(const LabelledTextOptions& options) {
  std::vector<std::string> columns = {options.text};
  columns.insert(columns.end(), options.labels.begin(), options.labels.end());
  return columns;
}

DelimitedOptions table_options(const std::filesystem::path& path, const LabelledTextOptions& options) {
  DelimitedOptions table = delimited_options(path);
  table.header = options.header;
  table.columns = columns_of(options);
  table.read = throwing(options.read);
  return table;
}

}  // namespace

class LabelledTextReader::Table : public Source {
 public:
  Table(const std::filesystem::path& path, const LabelledTextOptions& options)
      : reader_(path, table_options(path, options)) {}
  std::optional<std::vector<std::string>> next() override { return reader_.next(); }
  std::string place() const override { return reader_.place(); }

 private:
  DelimitedReader reader_;
};

class LabelledTextReader::Lines : public Source {
 public:
  Lines(const std::filesystem::path& path, const LabelledTextOptions& options)
      : reader_(path, {.texts = columns_of(options), .read = throwing(options.read)}) {}
  std::optional<std::vector<std::string>> next() override {
    std::optional<JsonRecord> record = reader_.next();
    if (!record) return std::nullopt;
    return std::move(record->texts);
  }
  std::string place() const override { return reader_.place(); }

 private:
  JsonLinesReader reader_;
};

LabelledTextReader::LabelledTextReader(const std::filesystem::path& path, const LabelledTextOptions& options)
    : RecordReader(options.read.bad_records) {
  const std::string extension = path.extension().string();
  if (extension == ".jsonl" || extension == ".ndjson") {
    source_ = std::make_unique<Lines>(path, options);
  } else if (extension == ".csv" || extension == ".tsv" || extension == ".tab") {
    source_ = std::make_unique<Table>(path, options);
  } else {
    throw Error(
        fmt::format("{}: expected a file named *.csv, *.tsv, *.tab, *.jsonl or *.ndjson", path.string()));
  }
}

LabelledTextReader::~LabelledTextReader() = default;

std::string LabelledTextReader::place() const {
  return source_->place();
}

std::optional<LabelledText> LabelledTextReader::read() {
  std::optional<std::vector<std::string>> fields = source_->next();
  if (!fields) return std::nullopt;
  LabelledText result;
  result.text = std::move(fields->front());
  result.labels.assign(std::make_move_iterator(fields->begin() + 1), std::make_move_iterator(fields->end()));
  return result;
}

}  // namespace attend::data
