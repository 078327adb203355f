#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "attend/data/records.h"
#include "attend/data/split.h"
#include "attend/io/image.h"

namespace attend::data {

struct LabelledImagesOptions {
  /// The names of the classes: class i is classes[i]. Empty: those that the source has, as it says below.
  std::vector<std::string> classes = {};
  /// The columns of a list that hold the path of a picture and its label.
  std::string path = "path", label = "label";
  /// How pictures are read, and with how many channels they are given.
  io::ReadImageOptions image = {};
  /// kThrow: what is bad and can be seen without decoding is an Error of the set's construction, and a
  /// picture that cannot be decoded is one of image(). kSkip: all pictures are decoded once, on all threads;
  /// those that cannot be are left out and counted, as is everything else that is bad.
  BadRecords bad_records = BadRecords::kThrow;
};

/// Pictures with a class each. A picture is read and decoded when it is asked for; of an IDX pair, the bytes
/// are in memory. Copying copies a handle. Any number of threads may use a set at once.
class LabelledImages {
 public:
  /// A pair of IDX files, packed by gzip or not: pictures [n, height, width] (grey) or [n, height, width, 1
  /// or 3] and labels [n], which are numbers of classes. The classes are named "0", "1" ... up to the largest
  /// label.
  ///
  /// Throws Error naming the file when it cannot be read (io::read_idx), the shapes are others, or a label
  /// has no class, whatever the options say of bad records.
  static LabelledImages from_idx(const std::filesystem::path& images, const std::filesystem::path& labels,
                                 const LabelledImagesOptions& options = {});

  /// A folder with a subfolder for each class, which is named like it: the classes are in the order of the
  /// bytes of their names, and so are the pictures of a class. What is beside the subfolders, and names that
  /// begin with a dot, are not looked at.
  ///
  /// Bad: in a subfolder, what is not a file named *.png, *.jpg or *.jpeg (in letters of any case; its
  /// content decides how it is decoded); a class without a file so named; a subfolder that is none of
  /// `options.classes`. Throws Error when there is no folder, or no subfolder.
  static LabelledImages from_folder(const std::filesystem::path& folder,
                                    const LabelledImagesOptions& options = {});

  /// A table (*.csv, *.tsv, *.tab: DelimitedReader) with named columns for the path of a picture, relative to
  /// the folder of the table, and its label. The classes are the different labels in the order of their
  /// bytes.
  ///
  /// Bad: a bad record of the table, a path that is no file, a label that is none of `options.classes`.
  /// Throws Error when the table cannot be read, lacks a column, or has labels for LabelSet to refuse.
  static LabelledImages from_list(const std::filesystem::path& table,
                                  const LabelledImagesOptions& options = {});

  std::int64_t size() const { return static_cast<std::int64_t>(labels_.size()); }

  /// The class of each picture.
  const std::vector<std::int64_t>& labels() const { return labels_; }
  const std::vector<std::string>& class_names() const { return class_names_; }

  /// Picture i, decoded now. Throws Error naming the file when it cannot be, and for i outside 0 ...
  /// size() - 1.
  io::Image image(std::int64_t i) const;

  /// The name of picture i in its source: "CLASS/FILE", the path in the list, or its number, from 0, in the
  /// IDX file.
  std::string name(std::int64_t i) const;

  /// What was left out.
  const SkippedRecords& skipped() const { return skipped_; }

  /// The pictures of one part, with all classes; split_of() says by the name of a picture which it is in.
  LabelledImages part(Split part, const SplitShares& shares = {}) const;

  /// These pictures in this order, with all classes. Throws Error for one that there is not.
  LabelledImages subset(const std::vector<std::int64_t>& pictures) const;

 private:
  class Source;
  class Files;
  class Idx;
  class Builder;
  LabelledImages() = default;
  void check_place(std::int64_t i) const;
  void leave_out_unreadable();

  std::shared_ptr<const Source> source_;
  std::vector<std::int64_t> places_;  // of the pictures in the source
  std::vector<std::int64_t> labels_;
  std::vector<std::string> class_names_;
  SkippedRecords skipped_;
};

}  // namespace attend::data
