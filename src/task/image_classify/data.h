#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "attend/base/random.h"
#include "attend/data/augment.h"
#include "attend/data/labelled_images.h"
#include "attend/model/image_classifier_config.h"
#include "attend/task/image_classify.h"
#include "attend/tensor/tensor.h"

namespace attend::task {

/// Pictures as ImageClassifyJob::data describes them. With `classes`, they have those and no others. Throws
/// Error naming the file.
data::LabelledImages open_pictures(const std::filesystem::path& path, bool skip_bad,
                                   const std::vector<std::string>& classes = {});

/// Where the pictures to test on are: t10k-images-idx3-ubyte of an IDX folder, else the path itself.
std::filesystem::path to_test_on(const std::filesystem::path& path);

/// A number that changes when a name or a class does.
std::uint64_t checksum_of(const data::LabelledImages& images);

/// Where the pictures of a training are.
struct PicturePlaces {
  std::filesystem::path data, validation, out;
  bool skip_bad = false;
};

struct PictureSets {
  data::LabelledImages train, validation;
  ImageClassifyFacts facts;
};

/// The pictures to learn from and those for validation, a tenth where there are no others. `begun`: what a
/// training that is resumed was begun with, or null; then paths that are not given are those of before. With
/// `classes`, they have those and no others. Throws Error when there are too few, when they cannot be read,
/// and when they are not those that the training in `out` was begun with.
PictureSets read_picture_sets(const PicturePlaces& places, const ImageClassifyFacts* begun,
                              const std::vector<std::string>& classes);

/// The shape of the first picture, or with height and width `size` unless it is 0.
model::PictureShape shape_of(const data::LabelledImages& images, std::int64_t size);

/// "pictures: 40 of 4 classes to learn from ...".
std::string line_about(const ImageClassifyFacts& facts, const model::PictureShape& shape);

/// The picture with the channels and size of the shape.
io::Image fitted(const io::Image& image, const model::PictureShape& shape);

/// Mean and deviation of each channel over up to `most` pictures, evenly chosen.
data::PixelStatistics pixel_statistics(const data::LabelledImages& images, const model::PictureShape& shape,
                                       std::int64_t most = 1000);

/// Pictures [rows, height, width, channels], normalised.
Tensor pictures_of(const data::LabelledImages& images, std::span<const std::int64_t> rows,
                   const model::PictureShape& shape, const data::PixelStatistics& pixels);

/// Pictures to learn from, changed as the options say; `first` of the generator's streams is picture 0's.
struct PictureBatch {
  Tensor pictures;
  std::vector<std::int64_t> labels;
  /// Where pictures are mixed: those of the others, and the share of `labels`.
  std::vector<std::int64_t> partner_labels = {};
  double share = 1;
};
PictureBatch changed_pictures(const data::LabelledImages& images, std::span<const std::int64_t> rows,
                              const model::PictureShape& shape, const data::PixelStatistics& pixels,
                              const ImageClassifyOptions& options, std::int64_t index);

}  // namespace attend::task
