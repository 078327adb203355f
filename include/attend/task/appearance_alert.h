#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attend/data/detections.h"
#include "attend/task/alert.h"

namespace attend::task {

/// A part of a picture, in shares of its width and height from the upper left corner.
struct PictureRegion {
  double left = 0, top = 0, right = 1, bottom = 1;

  bool operator==(const PictureRegion&) const = default;
};

/// When a class appears in pictures that come one after the other: "person in 0.2,0.1,0.6,0.9 frames=3".
struct AppearanceRule {
  std::string label;
  std::int64_t label_index = 0;  ///< among the classes
  PictureRegion region = {};
  std::int64_t frames = 1;  ///< in so many pictures in a row, 1 to 1,000,000

  bool operator==(const AppearanceRule&) const = default;
};

/// Reads "CLASS [in LEFT,TOP,RIGHT,BOTTOM] [frames=N]". A class's name may have spaces. Throws Error naming
/// the rule and what is wrong, also for a class that is not among `classes`.
AppearanceRule parse_appearance(std::string_view text, const std::vector<std::string>& classes);

/// The rule as parse_appearance() reads it: the region only where it is not the whole picture, frames only
/// where they are several.
std::string to_string(const AppearanceRule& rule);

/// Whether the centre of one of the boxes with the rule's class lies in its region of a picture of this size.
bool appears_in(const AppearanceRule& rule, std::span<const data::DetectedBox> objects, std::int64_t width,
                std::int64_t height);

/// Watches pictures, one after the other.
class AppearanceWatch {
 public:
  /// Throws Error for a region or a number of frames out of range.
  explicit AppearanceWatch(const AppearanceRule& rule);

  /// Takes in whether the class appears in the next picture: raised with the last of `frames` pictures in a
  /// row in which it does, ended with the last of as many in which it does not.
  AlertChange push(bool appears);

  const AppearanceRule& rule() const { return rule_; }

 private:
  AppearanceRule rule_;
  std::int64_t in_a_row_ = 0;  ///< pictures that speak against what is reported
  bool raised_ = false;
};

}  // namespace attend::task
