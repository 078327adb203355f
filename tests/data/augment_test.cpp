#include "attend/data/augment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <set>

#include "attend/base/parallel.h"
#include "support/expect_error.h"

namespace attend::data {
namespace {

io::Image random_image(std::int64_t height, std::int64_t width, std::int64_t channels,
                       std::uint64_t seed = 1) {
  io::Image image{.height = height, .width = width, .channels = channels};
  const RandomStream random{seed, 99};
  for (std::int64_t i = 0; i < height * width * channels; ++i)
    image.pixels.push_back(static_cast<std::uint8_t>(random.words(static_cast<std::uint64_t>(i))[0] >> 24));
  return image;
}

io::Image constant(std::int64_t height, std::int64_t width, std::int64_t channels, std::uint8_t value) {
  return {height, width, channels,
          std::vector<std::uint8_t>(static_cast<std::size_t>(height * width * channels), value)};
}

/// A picture, and boxes that are filled rectangles of the mask, box i with value i + 1. They do not touch.
Scene scene_of(std::int64_t height, std::int64_t width) {
  Scene scene{random_image(height, width, 3), {}, constant(height, width, 1, 0)};
  const auto add = [&](std::int64_t y0, std::int64_t x0, std::int64_t y1, std::int64_t x1) {
    scene.boxes.push_back({static_cast<float>(x0), static_cast<float>(y0), static_cast<float>(x1),
                           static_cast<float>(y1), static_cast<std::int64_t>(scene.boxes.size()) + 1});
    for (std::int64_t y = y0; y < y1; ++y)
      for (std::int64_t x = x0; x < x1; ++x)
        scene.mask->pixels[static_cast<std::size_t>(y * width + x)] =
            static_cast<std::uint8_t>(scene.boxes.size());
  };
  add(1, 2, height / 3, width / 2);
  add(height / 2, width / 4, height - 1, width - 3);
  add(0, width - 5, 4, width);
  return scene;
}

struct Change {
  std::string name;
  std::function<Scene(const Scene&, const RandomStream&)> run;
};

/// Every change of places; none drops a box of which anything is left.
std::vector<Change> changes() {
  const SceneOptions all{.least_box_share = 0};
  return {
      {"shrink", [](const Scene& s, const RandomStream&) { return resize(s, 17, 13); }},
      {"grow", [](const Scene& s, const RandomStream&) { return resize(s, 71, 103); }},
      {"shorter", [](const Scene& s, const RandomStream&) { return resize_shorter_side(s, 20); }},
      {"crop",
       [=](const Scene& s, const RandomStream&) {
         return crop(s, {-3, 5, 30, 30}, all);
       }},
      {"center", [=](const Scene& s, const RandomStream&) { return center_crop(s, 20, 60, all); }},
      {"random crop",
       [=](const Scene& s, const RandomStream& r) { return random_crop(s, 21, 30, 4, r, all); }},
      {"random resized",
       [=](const Scene& s, const RandomStream& r) { return random_resized_crop(s, 32, 24, r, {}, all); }},
      {"horizontal", [](const Scene& s, const RandomStream&) { return flip_horizontally(s); }},
      {"vertical", [](const Scene& s, const RandomStream&) { return flip_vertically(s); }},
      {"quarter", [=](const Scene& s, const RandomStream&) { return rotate(s, 90, all); }},
      {"rotation", [=](const Scene& s, const RandomStream& r) { return random_rotation(s, 180, r, all); }},
  };
}

TEST(Augment, BoxesStayAroundTheirPixels) {
  for (const Change& change : changes())
    for (std::uint64_t i = 0; i < 20; ++i) {
      const Scene scene = change.run(scene_of(37, 41), {5, i});
      ASSERT_TRUE(scene.mask);
      ASSERT_EQ(scene.mask->height, scene.image.height);
      ASSERT_EQ(scene.mask->width, scene.image.width);
      std::vector<Box> found(4, {1e9f, 1e9f, -1e9f, -1e9f});
      for (std::int64_t y = 0; y < scene.mask->height; ++y)
        for (std::int64_t x = 0; x < scene.mask->width; ++x) {
          const int label = scene.mask->pixels[static_cast<std::size_t>(y * scene.mask->width + x)];
          Box& box = found[static_cast<std::size_t>(label)];
          // Middles of pixels: where one belongs to the box, more than half of the pixel may lie outside.
          box = {std::min(box.x0, static_cast<float>(x) + 0.5f),
                 std::min(box.y0, static_cast<float>(y) + 0.5f),
                 std::max(box.x1, static_cast<float>(x) + 0.5f),
                 std::max(box.y1, static_cast<float>(y) + 0.5f), label};
        }
      const bool turned = change.name == "rotation";
      for (std::int64_t label = 1; label < 4; ++label) {
        const Box& pixels = found[static_cast<std::size_t>(label)];
        const Box* box = nullptr;
        for (const Box& candidate : scene.boxes)
          if (candidate.label == label) box = &candidate;
        if (pixels.x1 < 0) {
          // What is left of a box may be less than a pixel.
          if (box != nullptr && !turned) {
            EXPECT_TRUE(!(std::min(box->x1 - box->x0, box->y1 - box->y0) > 1)) << change.name << " " << i;
          }
          continue;
        }
        ASSERT_NE(box, nullptr) << change.name << " " << i << ", box " << label;
        constexpr float kRounding = 1e-3f;
        EXPECT_TRUE(box->x0 <= pixels.x0 + kRounding && box->y0 <= pixels.y0 + kRounding &&
                    box->x1 >= pixels.x1 - kRounding && box->y1 >= pixels.y1 - kRounding)
            << change.name << " " << i << ", box " << label;
        // And no farther around than half a pixel to the middle, and one that resizing rounds away. The box
        // around a turned rectangle whose corners are cut off may be larger.
        if (!turned) {
          EXPECT_TRUE(box->x0 >= pixels.x0 - 1.01f && box->y0 >= pixels.y0 - 1.01f &&
                      box->x1 <= pixels.x1 + 1.01f && box->y1 <= pixels.y1 + 1.01f)
              << change.name << " " << i << ", box " << label;
        }
        EXPECT_TRUE(box->x0 >= 0 && box->y0 >= 0 && box->x1 <= static_cast<float>(scene.image.width) &&
                    box->y1 <= static_cast<float>(scene.image.height));
      }
    }
}

TEST(Augment, TheSameStreamGivesTheSameBits) {
  const Scene scene = scene_of(37, 41);
  const int before = threads();
  for (const Change& change : changes()) {
    bool differs = false;
    for (std::uint64_t i = 0; i < 10; ++i) {
      set_threads(1);
      const Scene once = change.run(scene, {3, i});
      set_threads(2);
      EXPECT_TRUE(change.run(scene, {3, i}) == once) << change.name;
      differs = differs || !(change.run(scene, {3, i + 1}) == once);
    }
    EXPECT_EQ(differs, change.name.starts_with("random") || change.name == "rotation") << change.name;
  }
  set_threads(before);
}

TEST(Augment, TwoFlipsAndFourQuartersAreNone) {
  for (const std::int64_t width : {36, 37}) {
    const Scene scene = scene_of(37, width);
    EXPECT_TRUE(flip_horizontally(flip_horizontally(scene)) == scene);
    EXPECT_TRUE(flip_vertically(flip_vertically(scene)) == scene);
    EXPECT_FALSE(flip_vertically(scene) == scene);
    EXPECT_FALSE(flip_horizontally(scene) == scene);
    EXPECT_TRUE(rotate(scene, 0) == scene);
    EXPECT_TRUE(rotate(scene, -720) == scene);
    EXPECT_TRUE(rotate(rotate(scene, 180), 180) == scene);
    EXPECT_TRUE(rotate(scene, 180) == flip_vertically(flip_horizontally(scene)));
  }
  const Scene square = scene_of(37, 37);
  Scene turned = square;
  for (int quarter = 0; quarter < 4; ++quarter) turned = rotate(turned, 90);
  EXPECT_TRUE(turned == square);
  // Counter-clockwise: what was right is up.
  const Scene quarter = rotate(square, 90);
  for (std::size_t c = 0; c < 3; ++c) EXPECT_EQ(quarter.image.pixels[c], square.image.pixels[36 * 3 + c]);
  EXPECT_TRUE(rotate(square, -90) == rotate(square, 270));
}

TEST(Augment, RotationIsSmooth) {
  // A slope stays a slope: bilinear values are exact on it, up to rounding.
  io::Image image{.height = 41, .width = 41, .channels = 1};
  for (int y = 0; y < 41; ++y)
    for (int x = 0; x < 41; ++x) image.pixels.push_back(static_cast<std::uint8_t>(20 + 2 * x + 3 * y));
  const double angle = 30 * std::acos(-1.0) / 180;
  const io::Image turned = rotate({image}, 30).image;
  for (std::size_t y = 12; y < 29; ++y)
    for (std::size_t x = 12; x < 29; ++x) {
      const double dx = static_cast<double>(x) - 20, dy = static_cast<double>(y) - 20;
      const double from_x = 20 + dx * std::cos(angle) - dy * std::sin(angle);
      const double from_y = 20 + dx * std::sin(angle) + dy * std::cos(angle);
      const double error = std::abs(turned.pixels[y * 41 + x] - (20 + 2 * from_x + 3 * from_y));
      ASSERT_TRUE(error <= 0.501) << x << ", " << y;
    }
  const Scene filled = rotate({constant(9, 9, 3, 100)}, 45, {.fill = {1, 2, 3}});
  EXPECT_EQ(filled.image.pixels[0], 1);
  EXPECT_EQ(filled.image.pixels[2], 3);
  EXPECT_EQ(filled.image.pixels[static_cast<std::size_t>((4 * 9 + 4) * 3)], 100);
  EXPECT_EQ(rotate({constant(9, 9, 1, 100)}, 45, {.fill = {200, 200, 200}}).image.pixels[0], 200);
}

TEST(Augment, ResizeKeepsWhatIsConstantAndMeans) {
  for (const std::int64_t size : {1, 7, 65})
    for (const std::int64_t to : {1, 3, 64, 131})
      for (const int value : {0, 1, 77, 254, 255}) {
        const io::Image image = constant(size, 2 * size, 3, static_cast<std::uint8_t>(value));
        EXPECT_TRUE(resize({image}, to, to + 1).image ==
                    constant(to, to + 1, 3, static_cast<std::uint8_t>(value)));
      }
  const io::Image image = random_image(64, 64, 1);
  EXPECT_TRUE(resize({image}, 64, 64).image == image);
  // Nothing is left out when it shrinks: about the mean, and more where an edge cuts the triangle off.
  io::Image dots = constant(64, 64, 1, 0);
  for (std::size_t i = 8; i < dots.pixels.size(); i += 16) dots.pixels[i] = 240;
  for (const std::uint8_t value : resize({dots}, 4, 4).image.pixels)
    EXPECT_TRUE(std::abs(value - 15) <= 3) << int{value};
  // Two pixels grown to four: a quarter of the way between the middles.
  EXPECT_EQ(resize({{1, 2, 1, {0, 100}}}, 1, 4).image.pixels, (std::vector<std::uint8_t>{0, 25, 75, 100}));
  EXPECT_EQ(resize({{2, 1, 1, {0, 100}}}, 4, 1).image.pixels, (std::vector<std::uint8_t>{0, 25, 75, 100}));
  // Four to two: weights 3, 3 and 1 of 7 (at the edge the triangle is cut off).
  EXPECT_EQ(resize({{1, 4, 1, {70, 0, 0, 0}}}, 1, 2).image.pixels, (std::vector<std::uint8_t>{30, 0}));
  const Scene shorter = resize_shorter_side({random_image(50, 101, 3)}, 25);
  EXPECT_EQ(shorter.image.height, 25);
  EXPECT_EQ(shorter.image.width, 51);
}

TEST(Augment, CropsTakeWhatTheyShow) {
  const io::Image image{2, 3, 1, {1, 2, 3, 4, 5, 6}};
  const Scene part = crop({image}, {-1, 1, 3, 3}, {.fill = {9, 9, 9}});
  EXPECT_EQ(part.image.pixels, (std::vector<std::uint8_t>{9, 9, 9, 2, 3, 9, 5, 6, 9}));
  EXPECT_EQ(center_crop({image}, 2, 1).image.pixels, (std::vector<std::uint8_t>{2, 5}));
  EXPECT_EQ(center_crop({image}, 1, 5).image.pixels, (std::vector<std::uint8_t>{0, 1, 2, 3, 0}));
  EXPECT_EQ(center_crop({image}, 1, 4).image.pixels, (std::vector<std::uint8_t>{0, 1, 2, 3}));
  // Every place is drawn, with the padding and without.
  std::set<int> seen, padded;
  for (std::uint64_t i = 0; i < 200; ++i) {
    seen.insert(random_crop({image}, 1, 1, 0, {1, i}).image.pixels[0]);
    padded.insert(random_crop({image}, 1, 1, 1, {1, i}, {.fill = {9, 9, 9}}).image.pixels[0]);
  }
  EXPECT_EQ(seen, (std::set<int>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(padded, (std::set<int>{1, 2, 3, 4, 5, 6, 9}));
  EXPECT_TRUE(random_crop({image}, 4, 5, 1, {1, 2}) == crop({image}, {-1, -1, 4, 5}));
  EXPECT_ERROR(random_crop({image}, 3, 3, 0, {}), "random_crop: 3 x 3 of a picture of 2 x 3 with padding 0");
  // An aspect that no part has: the largest in the middle that comes near it.
  const Scene narrow = random_resized_crop({random_image(10, 100, 1)}, 8, 8, {}, {.least_area = 1});
  EXPECT_TRUE(narrow.image == resize(crop({random_image(10, 100, 1)}, {0, 43, 10, 13}), 8, 8).image);
}

TEST(Augment, BoxesOfWhichLittleIsLeftGo) {
  Scene scene{constant(10, 10, 1, 0), {{0, 0, 10, 10, 1}, {8, 0, 10, 10, 2}}};
  const Window left = {0, 0, 10, 9};
  EXPECT_EQ(crop(scene, left, {.least_box_share = 0.5}).boxes,
            (std::vector<Box>{{0, 0, 9, 10, 1}, {8, 0, 9, 10, 2}}));
  EXPECT_EQ(crop(scene, left, {.least_box_share = 0.51}).boxes, (std::vector<Box>{{0, 0, 9, 10, 1}}));
  EXPECT_TRUE(crop(scene, {0, -20, 5, 5}, {.least_box_share = 0}).boxes.empty());
}

TEST(Augment, JitterOfNoStrengthIsNone) {
  for (const std::int64_t channels : {1, 3}) {
    const io::Image image = random_image(13, 17, channels);
    EXPECT_TRUE(color_jitter(image, {}, {1, 2}) == image);
    const ColorJitterOptions strong{.brightness = 0.5, .contrast = 0.5, .saturation = 0.5, .hue = 0.5};
    EXPECT_FALSE(color_jitter(image, strong, {1, 2}) == image);
    EXPECT_TRUE(color_jitter(image, strong, {1, 2}) == color_jitter(image, strong, {1, 2}));
    EXPECT_FALSE(color_jitter(image, strong, {1, 2}) == color_jitter(image, strong, {1, 3}));
  }
  // Grey has no colour to change.
  const io::Image grey = random_image(5, 5, 1), as_rgb = io::with_channels(grey, 3);
  EXPECT_TRUE(color_jitter(as_rgb, {.saturation = 1, .hue = 0.5}, {4, 5}) == as_rgb);
}

TEST(Augment, JitterChangesWhatItSays) {
  const auto only = [](const std::vector<std::uint8_t>& pixels, const ColorJitterOptions& options,
                       std::uint64_t i) {
    return color_jitter({1, static_cast<std::int64_t>(pixels.size() / 3), 3, pixels}, options, {8, i}).pixels;
  };
  double least = 10, most = 0;
  std::set<int> contrasts, saturations, hues;
  for (std::uint64_t i = 0; i < 200; ++i) {
    // A factor: 100 becomes 100 f for all channels alike.
    const auto bright = only({100, 50, 0}, {.brightness = 0.4}, i);
    EXPECT_TRUE(std::abs(bright[0] - 2.0 * bright[1]) <= 1.5);
    EXPECT_EQ(bright[2], 0);
    least = std::min(least, bright[0] / 100.0);
    most = std::max(most, bright[0] / 100.0);
    // The mean stays, and differences are scaled.
    const auto contrast = only({90, 90, 90, 110, 110, 110}, {.contrast = 0.9}, i);
    EXPECT_TRUE(std::abs(contrast[0] + contrast[3] - 200) <= 1);
    // Luma stays, up to rounding.
    const auto saturated = only({120, 100, 110}, {.saturation = 0.9}, i);
    EXPECT_TRUE(std::abs(io::luma(saturated[0], saturated[1], saturated[2]) - io::luma(120, 100, 110)) <= 1);
    // The largest and the least value stay.
    const auto hue = only({200, 50, 100}, {.hue = 0.5}, i);
    EXPECT_EQ(std::max({hue[0], hue[1], hue[2]}), 200);
    EXPECT_EQ(std::min({hue[0], hue[1], hue[2]}), 50);
    contrasts.insert(contrast[0]);
    saturations.insert(saturated[0]);
    hues.insert(hue[0]);
  }
  EXPECT_TRUE(least >= 0.6 && least <= 0.65) << least;
  // From a tenth of the difference to nearly twice of it, of 10 and of 12.
  EXPECT_TRUE(*contrasts.begin() <= 82 && *contrasts.rbegin() >= 98);
  EXPECT_TRUE(*saturations.begin() <= 110 && *saturations.rbegin() >= 128);
  EXPECT_GT(hues.size(), 50u);
  EXPECT_TRUE(most <= 1.4 && most >= 1.35) << most;
  EXPECT_ERROR(only({1, 1, 1}, {.hue = 0.6}, 0), "color_jitter: a hue of 0.6; 0 to 0.5 is accepted");
  EXPECT_ERROR(only({1, 1, 1}, {.contrast = -1}, 0), "a contrast of -1");
}

TEST(Augment, ErasingFillsARectangle) {
  const io::Image image = constant(40, 30, 3, 200);
  int erased = 0;
  for (std::uint64_t i = 0; i < 200; ++i) {
    const io::Image result = random_erasing(image, {.fill = {1, 2, 3}}, {2, i});
    EXPECT_TRUE(random_erasing(image, {.fill = {1, 2, 3}}, {2, i}) == result);
    std::int64_t count = 0, top = 40, left = 30, bottom = -1, right = -1;
    for (std::int64_t y = 0; y < 40; ++y)
      for (std::int64_t x = 0; x < 30; ++x) {
        const auto* p = &result.pixels[static_cast<std::size_t>((y * 30 + x) * 3)];
        if (p[0] == 200) continue;
        EXPECT_TRUE(p[0] == 1 && p[1] == 2 && p[2] == 3);
        ++count;
        top = std::min(top, y), bottom = std::max(bottom, y), left = std::min(left, x),
        right = std::max(right, x);
      }
    if (count == 0) continue;
    ++erased;
    EXPECT_EQ(count, (bottom - top + 1) * (right - left + 1));
    EXPECT_TRUE(count >= 0.015 * 1200 && count <= 0.35 * 1200) << count;  // 2 to 33 %, rounded
  }
  // Half of them, within four standard deviations.
  EXPECT_TRUE(std::abs(erased - 100) <= 28) << erased;
  EXPECT_TRUE(random_erasing(image, {.probability = 0}, {2, 3}) == image);
  const io::Image noisy = random_erasing(image, {.probability = 1, .least_area = 0.3, .noise = true}, {2, 3});
  EXPECT_FALSE(noisy == image);
  std::set<int> values(noisy.pixels.begin(), noisy.pixels.end());
  EXPECT_GT(values.size(), 100u);
  EXPECT_ERROR(random_erasing(image, {.least_area = 0}, {}), "random_erasing: areas from 0 to");

  std::int64_t least = 1200, most = 0;
  for (std::uint64_t i = 0; i < 200; ++i) {
    const io::Image cut = cutout(image, 8, {2, i}, {9, 9, 9});
    const std::int64_t count = std::count(cut.pixels.begin(), cut.pixels.end(), 9) / 3;
    least = std::min(least, count), most = std::max(most, count);
  }
  EXPECT_EQ(most, 8 * 8);  // whole where no edge is near
  EXPECT_TRUE(least >= 4 * 4 && least < 8 * 8) << least;
  EXPECT_TRUE(cutout(image, 200, {2, 4}) == constant(40, 30, 3, 0));
  EXPECT_ERROR(cutout(image, 0, {}), "cutout: a side of 0");
}

TEST(Augment, NormalisedValuesAreF32) {
  const io::Image image{1, 2, 3, {0, 51, 102, 153, 204, 255}};
  const Tensor values = normalised(image, {.mean = {0, 0.2f, 0.4f}, .deviation = {1, 2, 0.5f}});
  EXPECT_EQ(values.text(), "f32 [1, 2, 3]");
  const std::vector<double> expected = {0, 0, 0, 0.6, 0.3, 1.2};
  for (std::size_t i = 0; i < 6; ++i) {
    const double error = std::abs(values.to_vector<double>()[i] - expected[i]);
    EXPECT_TRUE(error <= 1e-6) << i;
  }
  EXPECT_EQ(normalised({1, 2, 1, {0, 255}}).to_vector<float>(), (std::vector<float>{-1, 1}));
  std::vector<float> small(5);
  EXPECT_ERROR(normalise_into(small, image), "memory for 5 values of a picture of 6");
  EXPECT_ERROR(normalised(image, {.deviation = {1, 0, 1}}), "deviation 0");
}

TEST(Augment, NamesWhatIsWrong) {
  const Scene scene{constant(4, 4, 1, 0)};
  EXPECT_ERROR(resize(scene, 0, 4), "resize: a picture of height 0 and width 4; sides from 1 to 1048576");
  EXPECT_ERROR(resize(scene, 1 << 20, 1 << 20), "at most 268435456 pixels");
  EXPECT_ERROR(resize({}, 4, 4), "an image of height 0");
  EXPECT_ERROR(crop(scene, {1 << 21, 0, 1, 1}), "crop: a window at (2097152, 0)");
  EXPECT_ERROR(flip_vertically({constant(4, 4, 1, 0), {}, constant(4, 5, 1, 0)}), "a mask of 4 x 5 x 1 for");
  EXPECT_ERROR(flip_vertically({constant(4, 4, 1, 0), {}, constant(4, 4, 3, 0)}), "a mask of 4 x 4 x 3 for");
  EXPECT_ERROR(flip_vertically({constant(4, 4, 1, 0), {{2, 2, 2, 3}}}), "a box from (2, 2) to (2, 3)");
  EXPECT_ERROR(rotate(scene, std::numeric_limits<double>::infinity()), "rotate: inf degrees");
  EXPECT_ERROR(rotate(scene, 1, {.least_box_share = 2}), "a least share of a box of 2; 0 to 1");
  EXPECT_ERROR(happens(std::nan(""), {}), "a probability of nan");
  int count = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) count += happens(0.3, {1, i});
  EXPECT_TRUE(std::abs(count - 300) <= 60) << count;  // four standard deviations
}

}  // namespace
}  // namespace attend::data
