#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "attend/data/augment.h"

/// Objects in pictures: those that people marked, and those that a model found.
namespace attend::data {

/// An object that somebody marked.
struct AnnotatedBox {
  Box box = {};
  /// Several objects in one box (COCO's "iscrowd").
  bool crowd = false;
  /// Hard to recognise: neither asked for nor wrong to find (VOC's "difficult").
  bool difficult = false;
  /// Only a part of the object is in the box (VOC's "truncated").
  bool truncated = false;
  /// The pixels of the object, where they were counted; the area of the box is taken otherwise.
  std::optional<double> area = std::nullopt;

  bool operator==(const AnnotatedBox&) const = default;
};

/// An object that was found.
struct DetectedBox {
  Box box = {};
  /// How sure the model is; only the order of scores counts in metrics.
  double score = 0;
  /// Of a detector with object queries, the one that made it: a row of the attention weights that an observer
  /// is told. -1 of others.
  std::int64_t query = -1;

  bool operator==(const DetectedBox&) const = default;
};

/// (x1 - x0) (y1 - y0), in pixels.
constexpr double area_of(const Box& box) {
  return (double{box.x1} - double{box.x0}) * (double{box.y1} - double{box.y0});
}

/// The area that two boxes share; 0 where they do not.
inline double shared_area(const Box& a, const Box& b) {
  const double width = std::min(double{a.x1}, double{b.x1}) - std::max(double{a.x0}, double{b.x0}),
               height = std::min(double{a.y1}, double{b.y1}) - std::max(double{a.y0}, double{b.y0});
  return width > 0 && height > 0 ? width * height : 0;
}

/// Whether the corners are finite and the sides longer than 0.
inline bool has_inside(const Box& box) {
  return std::isfinite(box.x0) && std::isfinite(box.y0) && std::isfinite(box.x1) && std::isfinite(box.y1) &&
         box.x0 < box.x1 && box.y0 < box.y1;
}

/// A picture as a list of annotations has it.
struct ImageEntry {
  std::string name = {};
  std::int64_t height = 0, width = 0;
};

/// COCO's file of annotations: picture i has the id i + 1 and the objects `boxes[i]`, class i the id i + 1.
/// Corners and areas are rounded to 3 places behind the point. Throws Error unless each picture has its
/// boxes, each box an inside, and each label a class.
std::string to_coco_annotations(std::span<const ImageEntry> pictures,
                                std::span<const std::vector<AnnotatedBox>> boxes,
                                const std::vector<std::string>& class_names);

/// COCO's file of results, with the same ids. Scores are written so that reading gives the same number.
/// Throws Error for a box without an inside, a label below 0 and a score that is not finite.
std::string to_coco_results(std::span<const std::vector<DetectedBox>> boxes);

}  // namespace attend::data
