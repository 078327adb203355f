#pragma once

#include <cstdint>
#include <vector>

#include "attend/base/random.h"
#include "attend/tensor/tensor.h"

/// Anchors, and which objects they are to find (Ren et al., "Faster R-CNN", 2015).
namespace attend::model {

/// Width / height of the anchors of a place is 1/2, 1 and 2.
inline constexpr std::int64_t kAnchorsOfPlace = 3;

/// Corners in pixels, f64 [height width kAnchorsOfPlace, 4], place by place: boxes of the area size^2 about
/// the middle of each stride x stride square.
Tensor anchors_of_level(std::int64_t height, std::int64_t width, std::int64_t stride, double size);

/// Which object a candidate box is to find.
inline constexpr std::int64_t kBackground = -1, kUndecided = -2;

struct BoxMatchOptions {
  double background_below = 0.5;  ///< largest IoU with an object
  double object_from = 0.5;
  /// Candidates that have the largest IoU with an object find the object they overlap most, however little.
  bool best_of_each_object = false;
};

/// For each candidate the object of the largest IoU (of equal ones the first), kBackground or kUndecided.
/// candidates [N, 4], objects [M, 4], corners of one dtype.
std::vector<std::int64_t> match_boxes(const Tensor& candidates, const Tensor& objects,
                                      const BoxMatchOptions& options);

struct BoxSample {
  std::vector<std::int64_t> objects, background;  ///< numbers of candidates, ascending
};

/// At most `count` candidates, of which at most object_share find an object, each drawn with equal
/// probability: those whose random words are smallest. Numbers of the stream from picture 2^32 on are read.
BoxSample sample_matches(const std::vector<std::int64_t>& matches, std::int64_t count, double object_share,
                         const RandomStream& random, std::int64_t picture);

}  // namespace attend::model
