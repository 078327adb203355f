#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "attend/base/random.h"
#include "attend/io/image.h"
#include "attend/tensor/tensor.h"

/// Changes to pictures that make more of a data set. What is drawn is a function of the RandomStream that is
/// given, and of nothing else: each picture and each change to it must get a stream of its own.
///
/// Angles, sizes and places are in pixels of the picture at hand: pixel (row i, column j) is the square from
/// (x, y) = (j, i) to (j + 1, i + 1).
namespace attend::data {

/// A rectangle with sides x0 < x1 and y0 < y1.
struct Box {
  float x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  std::int64_t label = 0;

  bool operator==(const Box&) const = default;
};

/// A picture with what is known of places in it. The mask is as large as the picture and has one channel: the
/// class of each pixel.
struct Scene {
  io::Image image = {};
  std::vector<Box> boxes = {};
  std::optional<io::Image> mask = std::nullopt;

  bool operator==(const Scene&) const = default;
};

using Color = std::array<std::uint8_t, 3>;

/// What changes of places share.
struct SceneOptions {
  /// Of pixels that come from outside the picture; of a grey picture, its luma.
  Color fill = {0, 0, 0};
  /// Of pixels of the mask that do.
  std::uint8_t mask_fill = 0;
  /// A box that loses more than the rest of its area over the edge is dropped.
  double least_box_share = 0.1;
};

// Changes of places: boxes and masks go along. Each throws Error for a picture that io::check() refuses, a
// mask of another size, a box without an inside, sides that are not from 1 to 2^20 pixels or give more than
// 2^28 in all, and an option that is outside the range given.

/// Bilinear, with a filter as wide as what becomes one pixel when it shrinks (so that nothing of the picture
/// is left out); the mask by the nearest pixel.
Scene resize(const Scene& scene, std::int64_t height, std::int64_t width);

/// resize() so that the shorter side becomes `shorter` and the sides stay in proportion, rounded.
Scene resize_shorter_side(const Scene& scene, std::int64_t shorter);

/// A rectangle of pixels, which may lie outside the picture in part or whole.
struct Window {
  std::int64_t top = 0, left = 0, height = 0, width = 0;
};

/// The part of the picture in the window; the fill where there is no picture. |top| and |left| at most 2^20.
Scene crop(const Scene& scene, const Window& window, const SceneOptions& options = {});

/// The window in the middle, up and left by half a pixel where it does not fit evenly.
Scene center_crop(const Scene& scene, std::int64_t height, std::int64_t width,
                  const SceneOptions& options = {});

/// A window anywhere in the picture with `padding` pixels of fill around it. Throws Error too when it is
/// larger than that.
Scene random_crop(const Scene& scene, std::int64_t height, std::int64_t width, std::int64_t padding,
                  const RandomStream& random, const SceneOptions& options = {});

struct RandomResizedCropOptions {
  /// The share of the picture's area, uniform; 0 < least <= most <= 1.
  double least_area = 0.08, most_area = 1;
  /// Width / height, uniform in its logarithm; 0 < least <= most.
  double least_aspect = 3.0 / 4, most_aspect = 4.0 / 3;
};

/// A part of random area and aspect, resized (Szegedy et al., "Going Deeper with Convolutions", 2015). When
/// ten of them do not fit, the largest part in the middle whose aspect is allowed.
Scene random_resized_crop(const Scene& scene, std::int64_t height, std::int64_t width,
                          const RandomStream& random, const RandomResizedCropOptions& ranges = {},
                          const SceneOptions& options = {});

/// Left and right change places; top and bottom do.
Scene flip_horizontally(const Scene& scene);
Scene flip_vertically(const Scene& scene);

/// Whether to do something that is done with this probability.
bool happens(double probability, const RandomStream& random);

/// Turned counter-clockwise about the middle; the size stays, bilinear (mask: nearest), boxes become those
/// around the turned ones. Exact for multiples of 90 degrees where the sides are equal.
Scene rotate(const Scene& scene, double degrees, const SceneOptions& options = {});

/// rotate() by an angle that is uniform in [-most_degrees, most_degrees].
Scene random_rotation(const Scene& scene, double most_degrees, const RandomStream& random,
                      const SceneOptions& options = {});

// Changes of colours. Each throws Error for a picture that io::check() refuses and an option outside its
// range.

/// Strengths of 0 leave the picture as it is.
struct ColorJitterOptions {
  /// The factor is uniform in [max(0, 1 - strength), 1 + strength]; strengths of 0 or more.
  double brightness = 0, contrast = 0, saturation = 0;
  /// Added to the hue, uniform in [-hue, hue] turns of the colour circle; 0 to 0.5.
  double hue = 0;
};

/// In this order: values times a factor; away from the mean luma of the picture, or towards it, by a factor;
/// away from the luma of the pixel by a factor; the hue of HSV shifted. Saturation and hue leave grey as it
/// is.
io::Image color_jitter(const io::Image& image, const ColorJitterOptions& options, const RandomStream& random);

struct RandomErasingOptions {
  double probability = 0.5;
  /// The share of the picture's area, uniform; 0 < least <= most <= 1.
  double least_area = 0.02, most_area = 1.0 / 3;
  /// Width / height, uniform in its logarithm; 0 < least <= most.
  double least_aspect = 0.3, most_aspect = 1 / 0.3;
  /// Random values instead of the fill.
  bool noise = false;
  Color fill = {0, 0, 0};
};

/// A rectangle is erased (Zhong et al., "Random Erasing Data Augmentation", 2020); none when ten drawn do not
/// fit.
io::Image random_erasing(const io::Image& image, const RandomErasingOptions& options,
                         const RandomStream& random);

/// A square of `side` pixels, 1 to 2^20, about a random pixel is filled, as much of it as is in the picture
/// (DeVries and Taylor, "Improved Regularization of Convolutional Neural Networks with Cutout", 2017).
io::Image cutout(const io::Image& image, std::int64_t side, const RandomStream& random,
                 const Color& fill = {0, 0, 0});

/// The mean and standard deviation of each channel, of values from 0 to 1. Grey uses the first.
struct PixelStatistics {
  std::array<float, 3> mean = {0.5f, 0.5f, 0.5f};
  std::array<float, 3> deviation = {0.5f, 0.5f, 0.5f};

  bool operator==(const PixelStatistics&) const = default;
};

/// (value / 255 - mean) / deviation as f32 [height, width, channels]. Throws Error for a picture that
/// io::check() refuses, and unless means are finite and deviations positive and finite.
Tensor normalised(const io::Image& image, const PixelStatistics& statistics = {});

/// The same into memory at hand, such as a row of a batch. Throws Error too when `out` has another size.
void normalise_into(std::span<float> out, const io::Image& image, const PixelStatistics& statistics = {});

}  // namespace attend::data
