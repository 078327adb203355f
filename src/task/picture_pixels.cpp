#include "task/picture_pixels.h"

#include <algorithm>
#include <cmath>

namespace attend::task {

namespace {

std::array<float, 3> read_channels(const Json& value, const char* key) {
  if (!value.is_array() || value.size() != 3) throw Error(fmt::format("\"{}\": three numbers needed", key));
  std::array<float, 3> numbers{};
  for (std::size_t i = 0; i < 3; ++i) {
    double number = 0;
    read(value[i], key, number);
    numbers[i] = static_cast<float>(number);
  }
  return numbers;
}

}  // namespace

void PixelSums::add(const io::Image& image) {
  channels_ = image.channels;
  for (std::size_t p = 0; p < image.pixels.size(); ++p) {
    const double value = image.pixels[p] / 255.0;
    const std::size_t c = p % static_cast<std::size_t>(channels_);
    sum_[c] += value;
    squares_[c] += value * value;
  }
  count_ += static_cast<double>(image.height * image.width);
}

data::PixelStatistics PixelSums::statistics() const {
  data::PixelStatistics pixels;
  for (std::size_t c = 0; c < static_cast<std::size_t>(channels_); ++c) {
    const double mean = sum_[c] / count_;
    pixels.mean[c] = static_cast<float>(mean);
    // Pictures of one colour have no deviation to divide by.
    pixels.deviation[c] =
        static_cast<float>(std::max(std::sqrt(std::max(squares_[c] / count_ - mean * mean, 0.0)), 1e-2));
  }
  return pixels;
}

data::PixelStatistics pixel_statistics(std::int64_t count,
                                       const std::function<io::Image(std::int64_t)>& picture,
                                       std::int64_t channels, std::int64_t most) {
  PixelSums sums;
  const std::int64_t step = std::max<std::int64_t>(1, count / most);
  for (std::int64_t i = 0; i < count; i += step) sums.add(io::with_channels(picture(i), channels));
  return sums.statistics();
}

data::Color mean_color(const data::PixelStatistics& pixels, std::int64_t channels) {
  data::Color color{};
  for (std::size_t c = 0; c < color.size(); ++c) {
    const float mean = pixels.mean[channels == 1 ? 0 : c];
    color[c] = static_cast<std::uint8_t>(std::lround(255 * std::clamp(mean, 0.0F, 1.0F)));
  }
  return color;
}

data::PixelStatistics read_pixels(const Json& value) {
  if (!value.is_object() || value.size() != 2 || !value.contains("mean") || !value.contains("deviation"))
    throw Error("\"pixels\": \"mean\" and \"deviation\" needed");
  return {.mean = read_channels(value["mean"], "mean"),
          .deviation = read_channels(value["deviation"], "deviation")};
}

Json json_of_pixels(const data::PixelStatistics& pixels) {
  return {{"mean", pixels.mean}, {"deviation", pixels.deviation}};
}

}  // namespace attend::task
