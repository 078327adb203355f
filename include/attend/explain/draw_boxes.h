#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "attend/data/detections.h"
#include "attend/io/image.h"

namespace attend::explain {

struct DrawOptions {
  /// Pixels of the longer side of the drawing, 16 to 8192; 0: those of the picture, but at least 448, so that
  /// names can be read on small ones.
  std::int64_t side = 0;
  /// How much of the colour of a class covers a pixel of it; 0 to 1.
  double opacity = 0.5;
  /// The number in a mask that stands for class 0, 0 to 255. Pixels with lower numbers are left as they are.
  std::int64_t first_class = 1;
};

// Each gives an RGB picture in the colours of the classes (class_color), and throws Error for a picture that
// io::check() refuses, options out of range, a box without an inside or with a score that is NaN and a label
// without a name.

/// The picture with a frame around each box and the name of its class and the score above it, "cat 0.87", the
/// most sure on top. Letters are of 5 x 7 pixels times a whole number that grows with the picture; what is
/// not ASCII is drawn as a frame.
io::Image draw_boxes(const io::Image& picture, std::span<const data::DetectedBox> boxes,
                     const std::vector<std::string>& class_names, const DrawOptions& options = {});

/// The same for what people marked: "cat", "cat crowd", "cat difficult".
io::Image draw_boxes(const io::Image& picture, std::span<const data::AnnotatedBox> boxes,
                     const std::vector<std::string>& class_names, const DrawOptions& options = {});

/// The picture under the translucent colours of a mask: the class of each pixel, one channel. Throws Error
/// too when the mask is not as large as the picture.
io::Image draw_mask(const io::Image& picture, const io::Image& mask, const DrawOptions& options = {});

}  // namespace attend::explain
