#include "cli/texts.h"

#include <fmt/format.h>
#include <unistd.h>

#include <utility>

#include "attend/base/error.h"
#include "attend/data/line_reader.h"
#include "cli/output.h"

namespace attend::cli {

namespace {

class GivenTexts : public Texts {
 public:
  explicit GivenTexts(const std::vector<std::string>& texts) : texts_(texts) {}
  std::optional<std::string> next() override {
    if (next_ == texts_.size()) return std::nullopt;
    return texts_[next_++];
  }

 private:
  const std::vector<std::string>& texts_;
  std::size_t next_ = 0;
};

class LinesOfText : public Texts {
 public:
  LinesOfText(const std::string& path, const data::ReadOptions& read) : lines_(path, read) {}
  std::optional<std::string> next() override {
    while (const auto line = lines_.next()) {
      if (line->find_first_not_of(" \t\v\f\r") != std::string_view::npos) return std::string(*line);
      lines_.reject("the line is empty; expected text");
    }
    return std::nullopt;
  }
  data::SkippedRecords skipped() const override { return lines_.skipped(); }

 private:
  data::LineReader lines_;
};

}  // namespace

std::unique_ptr<Texts> texts_of(const std::vector<std::string>& given, const std::string& file,
                                const data::ReadOptions& read) {
  if (!given.empty()) return std::make_unique<GivenTexts>(given);
  if (!file.empty()) return std::make_unique<LinesOfText>(file, read);
  if (::isatty(STDIN_FILENO) == 1)
    throw Error("no text: give texts, --file FILE, or lines on standard input");
  return std::make_unique<LinesOfText>("/dev/stdin", read);
}

data::ReadOptions reading(bool skip_bad) {
  return {.bad_records = skip_bad ? data::BadRecords::kSkip : data::BadRecords::kThrow};
}

void print_skipped(const data::SkippedRecords& skipped) {
  if (skipped.count > 0)
    print_note(fmt::format("{} bad records skipped; the first: {}", skipped.count, skipped.first));
}

}  // namespace attend::cli
