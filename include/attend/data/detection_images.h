#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "attend/data/detections.h"
#include "attend/data/records.h"
#include "attend/data/split.h"
#include "attend/io/image.h"

namespace attend::data {

struct DetectionImagesOptions {
  /// The names of the classes: class i is classes[i]. Empty: those that the source has, as it says below.
  std::vector<std::string> classes = {};
  /// How pictures are read, and with how many channels they are given.
  io::ReadImageOptions image = {};
  /// A record is a picture with all its boxes: one that lacks some would teach that there is nothing. kThrow:
  /// what is bad and can be seen without decoding is an Error of the set's construction, and a picture that
  /// cannot be decoded, or has another size than its annotation says, is one of image(). kSkip: all pictures
  /// are decoded once, on all threads; bad ones are left out and counted.
  BadRecords bad_records = BadRecords::kThrow;
};

/// Pictures with any number of marked objects each. Annotations are in memory, a picture is read and decoded
/// when it is asked for. Copying copies a handle. Any number of threads may use a set at once.
///
/// Bad, besides what the formats say: a picture that is no file; sizes below 1; a box that is empty, not
/// finite, or reaches out of the picture by more than one pixel (what reaches out less, as rounding leaves
/// it, is cut off); a class that is none of `options.classes`. Boxes are as data::Box says: (0, 0) is the
/// upper left corner of the picture, (width, height) the lower right one.
class DetectionImages {
 public:
  /// Pascal VOC (Everingham et al., "The Pascal Visual Object Classes (VOC) Challenge", 2010): a folder with
  /// an XML file for each picture in `Annotations`, and the picture `filename` names in `JPEGImages`. `list`,
  /// if it is not empty, is a file with a line for each picture, which is the name of its XML file without
  /// ".xml"; without it all are taken, in the order of the bytes of their names. The classes are the
  /// different names of objects, in the order of their bytes.
  ///
  /// The corners of `bndbox` are numbers of pixels that are in the box, and the first is 1: box =
  /// (xmin - 1, ymin - 1, xmax, ymax).
  ///
  /// Bad: XML that is not well formed, has a document type, is over 4 MiB or nested over 16 deep; another
  /// root than `annotation`; a missing `filename`, `size` (`width`, `height`), `name` or `bndbox` (`xmin`,
  /// `ymin`, `xmax`, `ymax`) of an object; `difficult` and `truncated` (0 where they are missing) other than
  /// 0 and 1; a line of the list without its file; in `Annotations`, what is not named *.xml and does not
  /// begin with a dot. Throws Error when there is no folder `Annotations`, no picture, or the list cannot be
  /// read.
  static DetectionImages from_voc(const std::filesystem::path& folder, const std::filesystem::path& list = {},
                                  const DetectionImagesOptions& options = {});

  /// COCO (Lin et al., "Microsoft COCO: Common Objects in Context", 2014): a JSON file with the lists
  /// `images`
  /// (`id`, `file_name`, `height`, `width`), `annotations` (`image_id`, `category_id`, `bbox` = [x, y, width,
  /// height]; `iscrowd`, `area` where they are there) and `categories` (`id`, `name`), which is read piece by
  /// piece; what else there is, is not looked at. File names are relative to `pictures`. The classes are the
  /// names of the categories in the order of their ids, and the pictures are in the order of the file. Box =
  /// (x, y, x + width, y + height).
  ///
  /// Bad: a missing field or one of another kind, an id of a picture that stands twice, an annotation for a
  /// picture that is not listed or of a category that is not. Throws Error when the file cannot be read or is
  /// broken, lacks one of the lists, or has a bad category.
  static DetectionImages from_coco(const std::filesystem::path& annotations,
                                   const std::filesystem::path& pictures,
                                   const DetectionImagesOptions& options = {});

  std::int64_t size() const { return static_cast<std::int64_t>(pictures_.size()); }
  const std::vector<std::string>& class_names() const { return class_names_; }

  // Each throws Error for i outside 0 ... size() - 1.

  /// What is marked in picture i, in the order of the annotation.
  const std::vector<AnnotatedBox>& boxes(std::int64_t i) const;

  /// Picture i, decoded now. Throws Error naming the file when it cannot be, and when it is not as large as
  /// its annotation says.
  io::Image image(std::int64_t i) const;

  /// Picture i with the boxes to learn from: all but crowds and difficult ones.
  Scene scene(std::int64_t i) const;

  /// The name of the file of picture i, as the annotation has it.
  std::string name(std::int64_t i) const;

  /// Its name, height and width, as the annotation has them.
  ImageEntry entry(std::int64_t i) const;

  /// What was left out.
  const SkippedRecords& skipped() const { return skipped_; }

  /// The pictures of one part, with all classes; split_of() says by the name of a picture which it is in.
  DetectionImages part(Split part, const SplitShares& shares = {}) const;

  /// These pictures in this order, with all classes. Throws Error for one that there is not.
  DetectionImages subset(const std::vector<std::int64_t>& pictures) const;

 private:
  struct Source;
  struct Picture;
  class Builder;
  DetectionImages() = default;
  const Picture& at(std::int64_t i) const;
  void leave_out_unreadable();

  std::shared_ptr<const Source> source_;
  std::vector<std::int64_t> pictures_;  // their places in the source
  std::vector<std::string> class_names_;
  SkippedRecords skipped_;
};

}  // namespace attend::data
