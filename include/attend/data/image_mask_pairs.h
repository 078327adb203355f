#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "attend/data/augment.h"
#include "attend/data/records.h"
#include "attend/data/split.h"
#include "attend/io/image.h"

namespace attend::data {

struct ImageMaskPairsOptions {
  /// Masks hold classes from 0 below this, or `ignored`. 0: any from 0 to 255.
  std::int64_t classes = 0;
  /// What stands in a mask where the class is not known.
  std::uint8_t ignored = 255;
  /// The columns of a list that hold the paths of a picture and its mask.
  std::string image = "image", mask = "mask";
  /// How pictures are read, and with how many channels they are given.
  io::ReadImageOptions read = {};
  /// kThrow: what is bad and can be seen without decoding is an Error of the set's construction, and a pair
  /// that cannot be decoded is one of scene(). kSkip: all pairs are decoded once, on all threads; those that
  /// cannot be are left out and counted, as is everything else that is bad.
  BadRecords bad_records = BadRecords::kThrow;
};

/// Pictures with a mask each: a PNG file of the picture's size in grey or with a palette, whose numbers are
/// the classes of the pixels (io::read_label_map). A pair is read and decoded when it is asked for. Copying
/// copies a handle. Any number of threads may use a set at once.
class ImageMaskPairs {
 public:
  /// A folder with the subfolders images and masks: the mask of images/NAME.png (*.jpg, *.jpeg) is
  /// masks/NAME.png. Pairs are in the order of the bytes of the pictures' names. Names that begin with a dot
  /// are not looked at.
  ///
  /// Bad: what is not a file so named; a picture without its mask, a mask without its picture; two pictures
  /// of one name. Throws Error when there is no such folder.
  static ImageMaskPairs from_folder(const std::filesystem::path& folder,
                                    const ImageMaskPairsOptions& options = {});

  /// A table (*.csv, *.tsv, *.tab: DelimitedReader) with named columns for the paths of a picture and its
  /// mask, relative to the folder of the table.
  ///
  /// Bad: a bad record of the table, a path that is no file. Throws Error when the table cannot be read, or
  /// lacks a column.
  static ImageMaskPairs from_list(const std::filesystem::path& table,
                                  const ImageMaskPairsOptions& options = {});

  std::int64_t size() const { return static_cast<std::int64_t>(places_.size()); }

  /// Picture i with its mask, decoded now. Throws Error naming the file when one cannot be decoded, their
  /// sizes differ, or the mask holds another class; and for i outside 0 ... size() - 1.
  Scene scene(std::int64_t i) const;

  /// The name of pair i: the picture's file, or its path in the list.
  std::string name(std::int64_t i) const;

  /// What was left out.
  const SkippedRecords& skipped() const { return skipped_; }

  /// The largest class in all masks, which are decoded for it, on all threads; -1 when all is ignored.
  std::int64_t largest_class() const;

  /// The pairs of one part; split_of() says by the name of a pair which it is in.
  ImageMaskPairs part(Split part, const SplitShares& shares = {}) const;

  /// These pairs in this order. Throws Error for one that there is not.
  ImageMaskPairs subset(const std::vector<std::int64_t>& pairs) const;

  /// This set with other options for `classes`: from now on a mask with any other class is an error.
  ImageMaskPairs with_classes(std::int64_t classes) const;

 private:
  struct Source;
  class Builder;
  ImageMaskPairs() = default;
  void check_place(std::int64_t i) const;
  io::Image mask(std::int64_t i) const;
  void leave_out_unreadable();

  std::shared_ptr<const Source> source_;
  std::int64_t classes_ = 0;
  std::vector<std::int64_t> places_;  // of the pairs in the source
  SkippedRecords skipped_;
};

}  // namespace attend::data
