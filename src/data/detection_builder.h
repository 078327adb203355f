#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "attend/data/detection_images.h"

namespace attend::data {

/// An object as an annotation gives it, not checked yet.
struct AnnotatedObject {
  std::string class_name;
  double x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  bool crowd = false, difficult = false, truncated = false;
  std::optional<double> area = std::nullopt;
  /// Where it stands in the annotation.
  std::int64_t line = 0;
};

struct AnnotatedPicture {
  std::string name;
  std::int64_t height = 0, width = 0;
  std::vector<AnnotatedObject> objects = {};
  /// The annotation, and where the picture stands in it.
  std::string file = {};
  std::int64_t line = 0;
};

struct DetectionImages::Picture {
  std::string name;
  std::int64_t height = 0, width = 0;
  std::vector<AnnotatedBox> boxes = {};
  /// "FILE, line N" of its annotation.
  std::string place = {};
};

struct DetectionImages::Source {
  std::filesystem::path folder;
  io::ReadImageOptions image = {};
  std::vector<Picture> pictures = {};
};

/// Collects checked pictures from annotations of any format.
class DetectionImages::Builder {
 public:
  /// Throws Error when two of the classes of the options are the same.
  Builder(const DetectionImagesOptions& options, const std::filesystem::path& pictures);

  /// A record is bad: throws BadRecord or counts it, as the options say.
  void bad(const std::string& message);
  void add(const SkippedRecords& skipped);

  /// The set of those that are as they should be. `classes` are those of the source.
  DetectionImages build(const std::vector<AnnotatedPicture>& pictures, std::vector<std::string> classes);

 private:
  Picture checked(const AnnotatedPicture& picture) const;
  AnnotatedBox checked(const AnnotatedObject& object, const AnnotatedPicture& picture) const;

  const DetectionImagesOptions& options_;
  std::filesystem::path folder_;
  std::unordered_map<std::string, std::int64_t> classes_ = {};
  DetectionImages set_ = {};
};

}  // namespace attend::data
