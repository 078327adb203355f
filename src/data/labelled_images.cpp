#include "attend/data/labelled_images.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include "attend/base/error.h"
#include "attend/data/delimited.h"
#include "attend/data/label_set.h"
#include "attend/io/idx.h"
#include "data/picture_files.h"
#include "data/record_messages.h"
#include "io/printable.h"

namespace attend::data {

namespace fs = std::filesystem;

/// Where the pictures of a set are.
class LabelledImages::Source {
 public:
  explicit Source(const io::ReadImageOptions& options) : options_(options) {}
  virtual ~Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  virtual io::Image image(std::int64_t place) const = 0;
  virtual std::string name(std::int64_t place) const = 0;

 protected:
  const io::ReadImageOptions& options() const { return options_; }

 private:
  io::ReadImageOptions options_;
};

class LabelledImages::Files : public Source {
 public:
  Files(const io::ReadImageOptions& options, fs::path folder) : Source(options), folder_(std::move(folder)) {}

  /// A path relative to the folder.
  void add(std::string path) { paths_.push_back(std::move(path)); }

  io::Image image(std::int64_t place) const override {
    return io::read_image(folder_ / name(place), options());
  }
  std::string name(std::int64_t place) const override { return paths_[static_cast<std::size_t>(place)]; }

 private:
  fs::path folder_;
  std::vector<std::string> paths_;
};

class LabelledImages::Idx : public Source {
 public:
  Idx(const io::ReadImageOptions& options, const fs::path& path)
      : Source(options), array_(io::read_idx(path)) {
    const auto& shape = array_.shape;
    const bool fits = (shape.size() == 3 || (shape.size() == 4 && (shape[3] == 1 || shape[3] == 3))) &&
                      shape[1] > 0 && shape[2] > 0;
    if (!fits) {
      throw Error(
          fmt::format("{}: sizes {}; expected pictures: n x height x width, or n x height x width x 1 or 3",
                      path.string(), fmt::join(shape, " x ")));
    }
  }

  std::int64_t size() const { return array_.shape[0]; }

  io::Image image(std::int64_t place) const override {
    const auto& shape = array_.shape;
    io::Image image{.height = shape[1], .width = shape[2], .channels = shape.size() == 4 ? shape[3] : 1};
    const std::int64_t values = image.height * image.width * image.channels;
    const auto first = array_.values.begin() + place * values;
    image.pixels.assign(first, first + values);
    return options().channels == 0 ? image : io::with_channels(image, options().channels);
  }
  std::string name(std::int64_t place) const override { return std::to_string(place); }

 private:
  io::IdxArray array_;
};

/// Collects pictures in files.
class LabelledImages::Builder {
 public:
  Builder(const LabelledImagesOptions& options, const fs::path& folder)
      : options_(options), files_(std::make_shared<Files>(options.image, folder)) {
    check_classes(options.classes);
    set_classes(options.classes);
  }

  void bad(const std::string& message) {
    if (options_.bad_records == BadRecords::kThrow) throw BadRecord(message);
    add({1, message});
  }

  void add(const SkippedRecords& skipped) {
    if (set_.skipped_.count == 0) set_.skipped_.first = skipped.first;
    set_.skipped_.count += skipped.count;
  }

  void set_classes(std::vector<std::string> names) {
    set_.class_names_ = std::move(names);
    for (const std::string& name : set_.class_names_)
      classes_.emplace(name, static_cast<std::int64_t>(classes_.size()));
  }

  std::optional<std::int64_t> find_class(const std::string& name) const {
    const auto found = classes_.find(name);
    if (found == classes_.end()) return std::nullopt;
    return found->second;
  }

  std::string unknown_class(const std::string& name) const {
    return missing_name("class", name, set_.class_names_);
  }

  void add(std::string path, std::int64_t label) {
    files_->add(std::move(path));
    set_.places_.push_back(set_.size());
    set_.labels_.push_back(label);
  }

  std::int64_t size() const { return set_.size(); }

  LabelledImages build() {
    set_.source_ = files_;
    if (options_.bad_records == BadRecords::kSkip) set_.leave_out_unreadable();
    return std::move(set_);
  }

 private:
  const LabelledImagesOptions& options_;
  std::shared_ptr<Files> files_;
  LabelledImages set_;
  std::unordered_map<std::string, std::int64_t> classes_;
};

LabelledImages LabelledImages::from_idx(const fs::path& images, const fs::path& labels,
                                        const LabelledImagesOptions& options) {
  check_classes(options.classes);
  const auto source = std::make_shared<Idx>(options.image, images);
  const io::IdxArray numbers = io::read_idx(labels);
  if (numbers.shape != std::vector<std::int64_t>{source->size()}) {
    throw Error(fmt::format("{}: sizes {}; expected a label for each of the {} pictures of {}",
                            labels.string(), fmt::join(numbers.shape, " x "), source->size(),
                            images.string()));
  }
  LabelledImages set;
  set.source_ = source;
  set.class_names_ = options.classes;
  if (options.classes.empty() && !numbers.values.empty()) {
    const int largest = *std::max_element(numbers.values.begin(), numbers.values.end());
    for (int i = 0; i <= largest; ++i) set.class_names_.push_back(std::to_string(i));
  }
  for (std::int64_t i = 0; i < source->size(); ++i) {
    const std::int64_t label = numbers.values[static_cast<std::size_t>(i)];
    if (label >= static_cast<std::int64_t>(set.class_names_.size())) {
      throw Error(fmt::format("{}: label {} of picture {}; expected one of the {} classes, from 0",
                              labels.string(), label, i, set.class_names_.size()));
    }
    set.places_.push_back(i);
    set.labels_.push_back(label);
  }
  return set;
}

LabelledImages LabelledImages::from_folder(const fs::path& folder, const LabelledImagesOptions& options) {
  Builder builder(options, folder);
  std::vector<fs::path> classes = entries_of(folder);
  std::erase_if(classes, [](const fs::path& path) { return !is_folder(path); });
  if (classes.empty())
    throw Error(fmt::format("{}: expected a subfolder of pictures for each class", folder.string()));
  if (options.classes.empty()) {
    std::vector<std::string> names;
    for (const fs::path& path : classes) names.push_back(path.filename().string());
    builder.set_classes(std::move(names));
  }
  for (const fs::path& path : classes) {
    const std::string name = path.filename().string();
    const std::optional<std::int64_t> label = builder.find_class(name);
    if (!label) {
      builder.bad(fmt::format("{}: {}", path.string(), builder.unknown_class(name)));
      continue;
    }
    const std::int64_t before = builder.size();
    for (const fs::path& file : entries_of(path)) {
      if (is_picture_name(file) && is_file(file))
        builder.add(name + "/" + file.filename().string(), *label);
      else
        builder.bad(fmt::format("{}: expected a picture, *.png, *.jpg or *.jpeg", file.string()));
    }
    if (builder.size() == before)
      builder.bad(fmt::format("{}: class {} has no picture", path.string(), io::printable(name)));
  }
  return builder.build();
}

LabelledImages LabelledImages::from_list(const fs::path& table, const LabelledImagesOptions& options) {
  DelimitedOptions columns = delimited_options(table);
  columns.columns = {options.path, options.label};
  columns.read.bad_records = options.bad_records;
  DelimitedReader reader(table, columns);
  Builder builder(options, table.parent_path());
  struct Row {
    std::string place;
    std::vector<std::string> fields;
  };
  std::vector<Row> rows;
  std::vector<std::string> labels;
  while (auto fields = reader.next()) {
    labels.push_back((*fields)[1]);
    rows.push_back({reader.place(), std::move(*fields)});
  }
  builder.add(reader.skipped());
  if (options.classes.empty()) builder.set_classes(LabelSet(options.label, labels).names());
  for (Row& row : rows) {
    const std::optional<std::int64_t> label = builder.find_class(row.fields[1]);
    if (!label)
      builder.bad(fmt::format("{}: {}", row.place, builder.unknown_class(row.fields[1])));
    else if (!is_file(table.parent_path() / row.fields[0]))
      builder.bad(fmt::format("{}: there is no file {}", row.place, io::printable(row.fields[0])));
    else
      builder.add(std::move(row.fields[0]), *label);
  }
  return builder.build();
}

void LabelledImages::check_place(std::int64_t i) const {
  check_picture(i, size());
}

io::Image LabelledImages::image(std::int64_t i) const {
  check_place(i);
  return source_->image(places_[static_cast<std::size_t>(i)]);
}

std::string LabelledImages::name(std::int64_t i) const {
  check_place(i);
  return source_->name(places_[static_cast<std::size_t>(i)]);
}

LabelledImages LabelledImages::subset(const std::vector<std::int64_t>& pictures) const {
  LabelledImages set;
  set.source_ = source_;
  set.class_names_ = class_names_;
  for (const std::int64_t i : pictures) {
    check_place(i);
    set.places_.push_back(places_[static_cast<std::size_t>(i)]);
    set.labels_.push_back(labels_[static_cast<std::size_t>(i)]);
  }
  return set;
}

LabelledImages LabelledImages::part(Split part, const SplitShares& shares) const {
  std::vector<std::int64_t> pictures;
  for (std::int64_t i = 0; i < size(); ++i)
    if (split_of(name(i), shares) == part) pictures.push_back(i);
  return subset(pictures);
}

void LabelledImages::leave_out_unreadable() {
  SkippedRecords skipped = skipped_;
  LabelledImages set = subset(readable_items(
      size(), [this](std::int64_t i) { image(i); }, skipped));
  set.skipped_ = std::move(skipped);
  *this = std::move(set);
}

}  // namespace attend::data
