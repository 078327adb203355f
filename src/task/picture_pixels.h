#pragma once

#include <array>
#include <cstdint>
#include <functional>

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

/// Of pictures 0 to count - 1 in these channels: up to about `most` of them, evenly chosen.
data::PixelStatistics pixel_statistics(std::int64_t count,
                                       const std::function<io::Image(std::int64_t)>& picture,
                                       std::int64_t channels, std::int64_t most = 1000);

/// The mean colour, for what surrounds a picture of these channels.
data::Color mean_color(const data::PixelStatistics& pixels, std::int64_t channels);

/// "pixels" of config.json. read_pixels() throws Error naming the key that is missing or no three numbers.
data::PixelStatistics read_pixels(const Json& value);
Json json_of_pixels(const data::PixelStatistics& pixels);

}  // namespace attend::task
