#include "task/classify/data.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "attend/base/error.h"
#include "attend/data/token_file.h"
#include "io/printable.h"
#include "task/encoder_tokens.h"

namespace attend::task {

namespace {

/// Numbers for the labels of one column, as they come or as a set has them.
class Numbers {
 public:
  Numbers(const std::string& column, const data::LabelSet* known) : column_(column), known_(known) {}

  std::optional<std::int64_t> find(const std::string& label) {
    if (known_ != nullptr) return known_->find(label);
    const auto [place, is_new] = numbers_.try_emplace(label, static_cast<std::int64_t>(names_.size()));
    if (!is_new) return place->second;
    if (names_.size() == data::LabelSet::kMost)
      throw Error(fmt::format("column {} has more than {} different labels, too many to choose between",
                              io::printable(column_), data::LabelSet::kMost));
    names_.push_back(label);
    return place->second;
  }
  std::string unknown(const std::string& label) const { return known_->unknown(label); }
  std::vector<std::string> names() const { return known_ != nullptr ? known_->names() : names_; }

 private:
  std::string column_;
  const data::LabelSet* known_;
  std::unordered_map<std::string, std::int64_t> numbers_;
  std::vector<std::string> names_;
};

}  // namespace

RawTexts::RawTexts(const std::filesystem::path& path, const data::LabelledTextOptions& options,
                   const std::vector<data::LabelSet>& known)
    : path_(path.string()), columns_(options.labels), labels_(options.labels.size()) {
  data::LabelledTextReader reader(path, options);
  std::vector<Numbers> numbers;
  for (std::size_t c = 0; c < columns_.size(); ++c)
    numbers.emplace_back(columns_[c], known.empty() ? nullptr : &known[c]);
  std::vector<std::int64_t> classes(columns_.size());
  while (const auto record = reader.next()) {
    std::string unknown;
    for (std::size_t c = 0; c < columns_.size() && unknown.empty(); ++c) {
      const std::optional<std::int64_t> number = numbers[c].find(record->labels[c]);
      classes[c] = number.value_or(0);
      if (!number) unknown = numbers[c].unknown(record->labels[c]);
    }
    if (!unknown.empty()) {
      reader.reject(unknown);
      continue;
    }
    for (std::size_t c = 0; c < columns_.size(); ++c) labels_[c].push_back(classes[c]);
    if (!ends_.empty()) all_ += '\n';
    all_ += record->text;
    ends_.push_back(all_.size());
  }
  skipped_ = reader.skipped();
  if (ends_.empty())
    throw Error(skipped_.count == 0 ? fmt::format("{}: no text in it", path_)
                                    : fmt::format("{}: no good record in it, {} skipped; the first: {}",
                                                  path_, skipped_.count, skipped_.first));
  for (const Numbers& column : numbers) names_.push_back(column.names());
}

std::string_view RawTexts::operator[](std::int64_t i) const {
  const auto at = static_cast<std::size_t>(i);
  const std::size_t begin = at == 0 ? 0 : ends_[at - 1] + 1;
  return std::string_view(all_).substr(begin, ends_[at] - begin);
}

std::string_view RawTexts::joined(std::int64_t count) const {
  return std::string_view(all_).substr(0, ends_[static_cast<std::size_t>(count - 1)]);
}

std::vector<data::LabelSet> RawTexts::label_sets(std::int64_t count) const {
  std::vector<data::LabelSet> sets;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    std::vector<bool> used(names_[c].size(), false);
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i)
      used[static_cast<std::size_t>(labels_[c][i])] = true;
    std::vector<std::string> names;
    for (std::size_t n = 0; n < used.size(); ++n)
      if (used[n]) names.push_back(names_[c][n]);
    sets.emplace_back(columns_[c], names);
  }
  return sets;
}

void RawTexts::renumber(const std::vector<data::LabelSet>& sets) {
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    std::vector<std::int64_t> classes;
    for (const std::string& name : names_[c]) {
      const auto found = sets[c].find(name);
      if (!found)
        throw Error(
            fmt::format("{}: column {}: label {} stands only in the part for validation, the last 10 %; mix "
                        "the lines of the "
                        "file, or give --valid",
                        path_, io::printable(columns_[c]), io::printable(name)));
      classes.push_back(*found);
    }
    for (std::int64_t& label : labels_[c]) label = classes[static_cast<std::size_t>(label)];
    names_[c] = sets[c].names();
  }
}

std::uint64_t RawTexts::checksum() const {
  std::uint64_t sum = data::checksum(all_);
  for (std::size_t c = 0; c < columns_.size(); ++c)
    for (const std::int64_t label : labels_[c]) {
      const std::string& name = names_[c][static_cast<std::size_t>(label)];
      sum = data::checksum(std::string_view(name.data(), name.size() + 1), sum);
    }
  return sum;
}

LabelledSequences encoded(const RawTexts& raw, std::int64_t begin, std::int64_t end,
                          const data::Tokenizer& tokenizer, std::int64_t context) {
  LabelledSequences result;
  for (std::int64_t i = begin; i < end; ++i) {
    const ReadText text = read_text(tokenizer, raw[i], context);
    result.texts.add(text.ids);
    result.cut += text.cut ? 1 : 0;
  }
  for (const auto& column : raw.labels())
    result.labels.emplace_back(column.begin() + begin, column.begin() + end);
  return result;
}

}  // namespace attend::task
