#pragma once

#include <array>

#include "attend/data/augment.h"
#include "attend/io/image.h"
#include "task/config_json.h"

/// The pixel statistics by which tasks of pictures normalise them.
namespace attend::task {

/// Adds up the pixels of pictures with as many channels each.
class PixelSums {
 public:
  void add(const io::Image& image);
  /// Of all pixels so far, at least one.
  data::PixelStatistics statistics() const;

 private:
  std::array<double, 3> sum_{}, squares_{};
  std::int64_t channels_ = 0;
  double count_ = 0;
};

/// "pixels" of config.json. read_pixels() throws Error naming the key that is missing or no three numbers.
data::PixelStatistics read_pixels(const Json& value);
Json json_of_pixels(const data::PixelStatistics& pixels);

}  // namespace attend::task
