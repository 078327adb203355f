#include "task/image_classify/data.h"

#include <fmt/format.h>

#include <algorithm>

#include "attend/base/error.h"
#include "attend/data/mix_images.h"
#include "attend/data/split.h"
#include "io/printable.h"
#include "task/picture_changes.h"
#include "task/picture_pixels.h"
#include "task/picture_sources.h"

namespace attend::task {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kChangeSeed = 0x617567303031ull;
constexpr const char* kTrainImages = "train-images-idx3-ubyte";

fs::path packed_or_not(const fs::path& path) {
  const fs::path packed = path.string() + ".gz";
  return !fs::exists(path) && fs::exists(packed) ? packed : path;
}

/// The file of labels beside one of pictures: train-labels-idx1-ubyte for train-images-idx3-ubyte.
fs::path labels_beside(const fs::path& images) {
  std::string name = images.filename().string();
  const std::string part = "images-idx3";
  name.replace(name.find(part), part.size(), "labels-idx1");
  return images.parent_path() / name;
}

Tensor one_hot(const std::vector<std::int64_t>& labels, std::int64_t classes) {
  std::vector<float> values(labels.size() * static_cast<std::size_t>(classes));
  for (std::size_t i = 0; i < labels.size(); ++i)
    values[i * static_cast<std::size_t>(classes) + static_cast<std::size_t>(labels[i])] = 1;
  return Tensor::from(values, {static_cast<std::int64_t>(labels.size()), classes});
}

io::Image changed(io::Image image, const ImageClassifyOptions& options, Generator random) {
  const std::int64_t height = image.height, width = image.width;
  data::Scene scene = changed_scene({.image = std::move(image)},
                                    {.flip = options.flip,
                                     .rotation = options.rotation,
                                     .jitter = options.jitter,
                                     .height = height,
                                     .width = width,
                                     .crop_padding = options.crop_padding},
                                    random);
  const RandomStream erasing = random.next();
  if (options.erasing > 0)
    scene.image = data::random_erasing(scene.image, {.probability = options.erasing, .noise = true}, erasing);
  return std::move(scene.image);
}

template <class Change>
Tensor batch_of(const data::LabelledImages& images, std::span<const std::int64_t> rows,
                const model::PictureShape& shape, const data::PixelStatistics& pixels, Change&& change) {
  const Tensor batch =
      Tensor::empty({static_cast<std::int64_t>(rows.size()), shape.height, shape.width, shape.channels});
  const std::int64_t values = shape.height * shape.width * shape.channels;
  for (std::size_t i = 0; i < rows.size(); ++i)
    data::normalise_into(
        {batch.data<float>() + static_cast<std::int64_t>(i) * values, static_cast<std::size_t>(values)},
        change(fitted(images.image(rows[i]), shape), i), pixels);
  return batch;
}

}  // namespace

data::LabelledImages open_pictures(const fs::path& path, bool skip_bad,
                                   const std::vector<std::string>& classes) {
  data::LabelledImagesOptions options;
  options.classes = classes;
  options.bad_records = skip_bad ? data::BadRecords::kSkip : data::BadRecords::kThrow;
  const bool is_folder = fs::is_directory(path);
  fs::path images = is_folder ? packed_or_not(path / kTrainImages) : path;
  if (images.filename().string().find("images-idx3") != std::string::npos &&
      (!is_folder || fs::exists(images))) {
    if (options.classes.empty()) options.classes = class_names_in(images.parent_path());
    return data::LabelledImages::from_idx(images, packed_or_not(labels_beside(images)), options);
  }
  if (is_folder) return data::LabelledImages::from_folder(path, options);
  if (is_table(path)) return data::LabelledImages::from_list(path, options);
  throw Error(
      fmt::format("{}: a folder with a subfolder for each class, a table (*.csv, *.tsv, *.tab) of "
                  "paths and labels, or IDX pictures (*images-idx3*) needed",
                  io::printable(path.string())));
}

fs::path to_test_on(const fs::path& path) {
  const fs::path images = packed_or_not(path / "t10k-images-idx3-ubyte");
  return fs::exists(images) ? images : path;
}

std::uint64_t checksum_of(const data::LabelledImages& images) {
  std::uint64_t sum = 0;
  for (std::int64_t i = 0; i < images.size(); ++i)
    sum = sum * 0x100000001b3ull ^
          data::hash_of(
              images.name(i) + "\n" +
              images.class_names()[static_cast<std::size_t>(images.labels()[static_cast<std::size_t>(i)])]);
  return sum;
}

PictureSets read_picture_sets(const PicturePlaces& places, const ImageClassifyFacts* begun,
                              const std::vector<std::string>& classes) {
  const auto path_of = [&](const fs::path& given, const std::string& before) {
    return !given.empty() || begun == nullptr ? given : fs::path(before);
  };
  const ImageClassifyFacts before = begun != nullptr ? *begun : ImageClassifyFacts{};
  const fs::path data = path_of(places.data, before.path),
                 validation = path_of(places.validation, before.validation_path);
  if (data.empty()) throw Error("--data FOLDER is needed: pictures by class");
  const data::LabelledImages all = open_pictures(data, places.skip_bad, classes);
  if (all.size() == 0)
    throw Error(fmt::format("--data {}: there is no picture", io::printable(data.string())));
  constexpr data::SplitShares kTenth{.valid = 0.1, .test = 0};
  PictureSets sets{.train = validation.empty() ? all.part(data::Split::train, kTenth) : all,
                   .validation = validation.empty() ? all.part(data::Split::valid, kTenth)
                                                    : open_pictures(to_test_on(validation), places.skip_bad,
                                                                    all.class_names()),
                   .facts = {.path = data.string(), .validation_path = validation.string()}};
  ImageClassifyFacts& facts = sets.facts;
  facts.checksum = checksum_of(all);
  facts.skipped = all.skipped().count;
  if (!validation.empty()) {
    facts.checksum ^= checksum_of(sets.validation) * 3;
    facts.skipped += sets.validation.skipped().count;
  }
  facts.pictures = sets.train.size();
  facts.validation_pictures = sets.validation.size();
  if (facts.pictures == 0 || facts.validation_pictures == 0)
    throw Error(
        fmt::format("--data {}: {} pictures are too few for a tenth to be for validation; more are "
                    "needed, or --valid",
                    io::printable(data.string()), all.size()));
  if (begun != nullptr && facts.checksum != before.checksum)
    throw Error(fmt::format("--data {}: other pictures than those that the training in {} began with",
                            io::printable(data.string()), places.out.string()));
  return sets;
}

model::PictureShape shape_of(const data::LabelledImages& images, std::int64_t size) {
  const io::Image first = images.image(0);
  return {.height = size > 0 ? size : first.height,
          .width = size > 0 ? size : first.width,
          .channels = first.channels,
          .classes = static_cast<std::int64_t>(images.class_names().size())};
}

std::string line_about(const ImageClassifyFacts& facts, const model::PictureShape& shape) {
  std::string line = fmt::format("pictures: {} of {} classes to learn from, {} for validation; {} x {}, {}",
                                 facts.pictures, shape.classes, facts.validation_pictures, shape.height,
                                 shape.width, shape.channels == 1 ? "grey" : "RGB");
  if (facts.skipped > 0) line += fmt::format("; {} that cannot be read skipped", facts.skipped);
  return line;
}

io::Image fitted(const io::Image& image, const model::PictureShape& shape) {
  io::Image result = image.channels == shape.channels ? image : io::with_channels(image, shape.channels);
  if (result.height == shape.height && result.width == shape.width) return result;
  return data::resize({.image = std::move(result)}, shape.height, shape.width).image;
}

data::PixelStatistics pixel_statistics(const data::LabelledImages& images, const model::PictureShape& shape,
                                       std::int64_t most) {
  PixelSums sums;
  const std::int64_t step = std::max<std::int64_t>(1, images.size() / most);
  for (std::int64_t i = 0; i < images.size(); i += step) sums.add(fitted(images.image(i), shape));
  return sums.statistics();
}

Tensor pictures_of(const data::LabelledImages& images, std::span<const std::int64_t> rows,
                   const model::PictureShape& shape, const data::PixelStatistics& pixels) {
  return batch_of(images, rows, shape, pixels, [](io::Image image, std::size_t) { return image; });
}

PictureBatch changed_pictures(const data::LabelledImages& images, std::span<const std::int64_t> rows,
                              const model::PictureShape& shape, const data::PixelStatistics& pixels,
                              const ImageClassifyOptions& options, std::int64_t index) {
  constexpr std::uint64_t kStreamsOfPicture = 8, kStreamsOfBatch = std::uint64_t{1} << 24;
  const std::uint64_t seed = options.seed ^ kChangeSeed,
                      first = static_cast<std::uint64_t>(index) * kStreamsOfBatch;
  PictureBatch batch;
  batch.pictures = batch_of(images, rows, shape, pixels, [&](io::Image image, std::size_t i) {
    return changed(std::move(image), options, Generator(seed, first + kStreamsOfPicture * (i + 1)));
  });
  for (const std::int64_t row : rows) batch.labels.push_back(images.labels()[static_cast<std::size_t>(row)]);
  if (options.mixup == 0 && options.cutmix == 0) return batch;
  const RandomStream random{.seed = seed, .stream = first};
  const Tensor targets = one_hot(batch.labels, shape.classes);
  const data::MixedBatch mixed = options.mixup > 0
                                     ? data::mixup(batch.pictures, targets, options.mixup, random)
                                     : data::cutmix(batch.pictures, targets, options.cutmix, random);
  batch.pictures = mixed.images;
  batch.share = mixed.share;
  for (const std::int64_t partner : mixed.partners)
    batch.partner_labels.push_back(batch.labels[static_cast<std::size_t>(partner)]);
  return batch;
}

}  // namespace attend::task
