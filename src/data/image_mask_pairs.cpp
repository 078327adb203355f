#include "attend/data/image_mask_pairs.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "attend/base/error.h"
#include "attend/data/delimited.h"
#include "attend/io/label_map.h"
#include "data/picture_files.h"
#include "io/printable.h"

namespace attend::data {

namespace fs = std::filesystem;

/// Where the pairs of a set are, relative to a folder.
struct ImageMaskPairs::Source {
  struct Pair {
    std::string name, image, mask;
  };

  fs::path folder;
  io::ReadImageOptions read;
  std::uint8_t ignored = 255;
  std::vector<Pair> pairs;
};

/// Collects pairs.
class ImageMaskPairs::Builder {
 public:
  Builder(const ImageMaskPairsOptions& options, const fs::path& folder)
      : options_(options), source_(std::make_shared<Source>()) {
    if (options.classes < 0 || options.classes > 256)
      throw Error(fmt::format("masks of {} classes: 0 to 256 are accepted", options.classes));
    source_->folder = folder;
    source_->read = options.read;
    source_->ignored = options.ignored;
    set_.classes_ = options.classes;
  }

  void bad(const std::string& message) {
    if (options_.bad_records == BadRecords::kThrow) throw BadRecord(message);
    add({1, message});
  }

  void add(const SkippedRecords& skipped) {
    if (set_.skipped_.count == 0) set_.skipped_.first = skipped.first;
    set_.skipped_.count += skipped.count;
  }

  void add(Source::Pair pair) {
    source_->pairs.push_back(std::move(pair));
    set_.places_.push_back(set_.size());
  }

  ImageMaskPairs build() {
    set_.source_ = source_;
    if (options_.bad_records == BadRecords::kSkip) set_.leave_out_unreadable();
    return std::move(set_);
  }

 private:
  const ImageMaskPairsOptions& options_;
  std::shared_ptr<Source> source_;
  ImageMaskPairs set_;
};

ImageMaskPairs ImageMaskPairs::from_folder(const fs::path& folder, const ImageMaskPairsOptions& options) {
  for (const char* part : {"images", "masks"})
    if (!is_folder(folder / part))
      throw Error(
          fmt::format("{}: no folder {}; expected images/NAME.png (or .jpg, .jpeg) and "
                      "masks/NAME.png",
                      folder.string(), part));
  Builder builder(options, folder);
  std::map<std::string, fs::path> masks;
  for (const fs::path& file : entries_of(folder / "masks")) {
    if (file.extension() == ".png" && is_file(file))
      masks.emplace(file.stem().string(), file);
    else
      builder.bad(fmt::format("{}: expected a mask, *.png", file.string()));
  }
  std::map<std::string, std::string> taken;
  for (const fs::path& file : entries_of(folder / "images")) {
    const std::string stem = file.stem().string(), name = file.filename().string();
    if (!is_picture_name(file) || !is_file(file)) {
      builder.bad(fmt::format("{}: expected a picture, *.png, *.jpg or *.jpeg", file.string()));
    } else if (!masks.contains(stem)) {
      builder.bad(fmt::format("{}: there is no mask {}", file.string(),
                              (folder / "masks" / (stem + ".png")).string()));
    } else if (const auto [first, is_new] = taken.emplace(stem, name); !is_new) {
      builder.bad(fmt::format("{}: {} has the same mask", file.string(), io::printable(first->second)));
    } else {
      builder.add({.name = name, .image = "images/" + name, .mask = "masks/" + stem + ".png"});
    }
  }
  for (const auto& [stem, file] : masks)
    if (!taken.contains(stem))
      builder.bad(fmt::format("{}: there is no picture {} in {}", file.string(), io::printable(stem),
                              (folder / "images").string()));
  return builder.build();
}

ImageMaskPairs ImageMaskPairs::from_list(const fs::path& table, const ImageMaskPairsOptions& options) {
  DelimitedOptions columns = delimited_options(table);
  columns.columns = {options.image, options.mask};
  columns.read.bad_records = options.bad_records;
  DelimitedReader reader(table, columns);
  Builder builder(options, table.parent_path());
  while (auto fields = reader.next()) {
    const auto& paths = *fields;
    const auto missing = std::ranges::find_if(
        paths, [&](const std::string& path) { return !is_file(table.parent_path() / path); });
    if (missing != paths.end())
      builder.bad(fmt::format("{}: there is no file {}", reader.place(), io::printable(*missing)));
    else
      builder.add({.name = paths[0], .image = paths[0], .mask = paths[1]});
  }
  builder.add(reader.skipped());
  return builder.build();
}

void ImageMaskPairs::check_place(std::int64_t i) const {
  if (i >= 0 && i < size()) return;
  throw Error(fmt::format("pair {} of a set of {}; expected a number from 0 to {}", i, size(), size() - 1));
}

io::Image ImageMaskPairs::mask(std::int64_t i) const {
  check_place(i);
  const Source::Pair& pair = source_->pairs[static_cast<std::size_t>(places_[static_cast<std::size_t>(i)])];
  const fs::path path = source_->folder / pair.mask;
  io::Image mask = io::read_label_map(path, source_->read);
  if (classes_ == 0) return mask;
  const auto bad = std::ranges::find_if(
      mask.pixels, [this](std::uint8_t value) { return value >= classes_ && value != source_->ignored; });
  if (bad == mask.pixels.end()) return mask;
  const std::int64_t place = bad - mask.pixels.begin();
  throw Error(fmt::format("{}: class {} at row {}, column {}; expected 0 to {}, or {} for what is not known",
                          path.string(), *bad, place / mask.width, place % mask.width, classes_ - 1,
                          source_->ignored));
}

Scene ImageMaskPairs::scene(std::int64_t i) const {
  check_place(i);
  const Source::Pair& pair = source_->pairs[static_cast<std::size_t>(places_[static_cast<std::size_t>(i)])];
  Scene scene{.image = io::read_image(source_->folder / pair.image, source_->read), .mask = mask(i)};
  if (scene.mask->height != scene.image.height || scene.mask->width != scene.image.width)
    throw Error(fmt::format("{}: a mask of {} x {} pixels for a picture of {} x {}",
                            (source_->folder / pair.mask).string(), scene.mask->height, scene.mask->width,
                            scene.image.height, scene.image.width));
  return scene;
}

std::string ImageMaskPairs::name(std::int64_t i) const {
  check_place(i);
  return source_->pairs[static_cast<std::size_t>(places_[static_cast<std::size_t>(i)])].name;
}

std::int64_t ImageMaskPairs::largest_class() const {
  std::vector<int> largest(places_.size(), -1);
  SkippedRecords unreadable;
  readable_items(
      size(),
      [&](std::int64_t i) {
        for (const std::uint8_t value : mask(i).pixels)
          if (value != source_->ignored)
            largest[static_cast<std::size_t>(i)] = std::max<int>(largest[static_cast<std::size_t>(i)], value);
      },
      unreadable);
  if (unreadable.count > 0) throw Error(unreadable.first);
  return largest.empty() ? -1 : *std::ranges::max_element(largest);
}

ImageMaskPairs ImageMaskPairs::subset(const std::vector<std::int64_t>& pairs) const {
  ImageMaskPairs set;
  set.source_ = source_;
  set.classes_ = classes_;
  for (const std::int64_t i : pairs) {
    check_place(i);
    set.places_.push_back(places_[static_cast<std::size_t>(i)]);
  }
  return set;
}

ImageMaskPairs ImageMaskPairs::part(Split part, const SplitShares& shares) const {
  std::vector<std::int64_t> pairs;
  for (std::int64_t i = 0; i < size(); ++i)
    if (split_of(name(i), shares) == part) pairs.push_back(i);
  return subset(pairs);
}

ImageMaskPairs ImageMaskPairs::with_classes(std::int64_t classes) const {
  ImageMaskPairs set = *this;
  set.classes_ = classes;
  return set;
}

void ImageMaskPairs::leave_out_unreadable() {
  SkippedRecords skipped = skipped_;
  ImageMaskPairs set = subset(readable_items(
      size(), [this](std::int64_t i) { scene(i); }, skipped));
  set.skipped_ = std::move(skipped);
  *this = std::move(set);
}

}  // namespace attend::data
