#include "cli/classify/texts.h"

#include <filesystem>
#include <utility>

#include "attend/data/labelled_text.h"

namespace attend::cli::classify {

namespace {

class TextsOfTable : public Texts {
 public:
  TextsOfTable(const std::string& path, const data::LabelledTextOptions& options) : reader_(path, options) {}
  std::optional<std::string> next() override {
    auto record = reader_.next();
    if (!record) return std::nullopt;
    return std::move(record->text);
  }
  data::SkippedRecords skipped() const override { return reader_.skipped(); }

 private:
  data::LabelledTextReader reader_;
};

bool is_table(const std::string& path) {
  const std::string extension = std::filesystem::path(path).extension().string();
  return extension == ".csv" || extension == ".tsv" || extension == ".tab" || extension == ".jsonl" ||
         extension == ".ndjson";
}

}  // namespace

std::unique_ptr<Texts> texts_of(const std::vector<std::string>& given, const std::string& file,
                                const data::ReadOptions& read, const task::ClassifyConfig& config) {
  if (!given.empty() || !is_table(file)) return cli::texts_of(given, file, read);
  data::LabelledTextOptions table{.labels = {}, .read = read};
  if (config.training) {
    table.text = config.training->text;
    table.header = config.training->header;
  }
  return std::make_unique<TextsOfTable>(file, table);
}

}  // namespace attend::cli::classify
