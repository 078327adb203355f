#include "model/anchors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "model/box_coding.h"
#include "support/compare.h"
#include "support/gradient_check.h"
#include "support/random_tensor.h"
#include "support/tiny_scenes.h"

namespace attend {
namespace {

using autograd::Tensors;
using model::BoxSample;
using model::kBackground;
using model::kUndecided;

std::vector<data::Box> random_boxes(int count, std::uint64_t seed) {
  Generator random(seed);
  std::vector<data::Box> boxes;
  for (int i = 0; i < count; ++i) {
    const auto x = static_cast<float>(20 * random.uniform()), y = static_cast<float>(20 * random.uniform());
    boxes.push_back({x, y, x + 2 + static_cast<float>(8 * random.uniform()),
                     y + 2 + static_cast<float>(8 * random.uniform()), 0});
  }
  return boxes;
}

Tensor tensor_of(const std::vector<data::Box>& boxes) {
  std::vector<double> corners;
  for (const data::Box& box : boxes) corners.insert(corners.end(), {box.x0, box.y0, box.x1, box.y1});
  return Tensor::from(corners, {static_cast<std::int64_t>(boxes.size()), 4});
}

TEST(Anchors, StandAboutTheMiddleOfEachPlaceInThreeShapes) {
  const Tensor anchors = model::anchors_of_level(2, 3, 8, 20);
  ASSERT_EQ(anchors.shape(), (Shape{2 * 3 * 3, 4}));
  const std::vector<double> corners = anchors.to_vector<double>();
  for (std::size_t i = 0; i < 18; ++i) {
    const double* box = corners.data() + 4 * i;
    const std::size_t place = i / 3;
    const double width = box[2] - box[0], height = box[3] - box[1];
    EXPECT_NEAR((box[0] + box[2]) / 2, 8 * (static_cast<double>(place % 3) + 0.5), 1e-12);
    EXPECT_NEAR((box[1] + box[3]) / 2, place < 3 ? 4 : 12, 1e-12);
    EXPECT_NEAR(width * height, 400, 1e-9);
    EXPECT_NEAR(width / height, std::pow(2.0, static_cast<double>(i % 3) - 1), 1e-12);
  }
}

TEST(Anchors, AreMatchedAsTheDefinitionSays) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    const auto candidates = random_boxes(40, 2 * seed),
               objects = random_boxes(static_cast<int>(seed % 4), 2 * seed + 1);
    for (const bool best_of_each : {false, true}) {
      const auto matches = model::match_boxes(
          tensor_of(candidates), tensor_of(objects),
          {.background_below = 0.2, .object_from = 0.5, .best_of_each_object = best_of_each});
      ASSERT_EQ(matches.size(), candidates.size());
      for (std::size_t i = 0; i < candidates.size(); ++i) {
        std::int64_t expected = kBackground;
        double best = 0;
        bool is_best_of_one = false;
        for (std::size_t j = 0; j < objects.size(); ++j) {
          const double overlap = test::overlap_of(candidates[i], objects[j]);
          if (overlap > best) {
            best = overlap;
            expected = static_cast<std::int64_t>(j);
          }
          is_best_of_one |=
              overlap > 0 && std::all_of(candidates.begin(), candidates.end(), [&](const auto& other) {
                return test::overlap_of(other, objects[j]) <= overlap;
              });
        }
        if (best < 0.5 && !(best_of_each && is_best_of_one)) expected = best < 0.2 ? kBackground : kUndecided;
        EXPECT_EQ(matches[i], expected) << "seed " << seed << ", candidate " << i;
      }
    }
  }
}

TEST(Anchors, AreSampledOneToOneAsLongAsThereAreEnough) {
  std::vector<std::int64_t> matches(100, kBackground);
  for (std::size_t i = 0; i < 30; ++i) matches[3 * i] = static_cast<std::int64_t>(i % 2);
  for (std::size_t i = 0; i < 10; ++i) matches[3 * i + 1] = kUndecided;
  const auto sample = [&](std::int64_t count, std::uint64_t stream, std::int64_t picture = 0) {
    return model::sample_matches(matches, count, 0.5, {1, stream}, picture);
  };
  const BoxSample some = sample(20, 1);
  EXPECT_EQ(some.objects.size(), 10u);
  EXPECT_EQ(some.background.size(), 10u);
  for (const std::int64_t i : some.objects) EXPECT_GE(matches[static_cast<std::size_t>(i)], 0);
  for (const std::int64_t i : some.background) EXPECT_EQ(matches[static_cast<std::size_t>(i)], kBackground);
  EXPECT_TRUE(std::is_sorted(some.objects.begin(), some.objects.end()));
  EXPECT_EQ(std::set<std::int64_t>(some.background.begin(), some.background.end()).size(), 10u);
  // 60 of 100 are background, and fill up what objects leave.
  const BoxSample many = sample(80, 1);
  EXPECT_EQ(many.objects.size(), 30u);
  EXPECT_EQ(many.background.size(), 50u);
  EXPECT_EQ(sample(1000, 1).background.size(), 60u);
  EXPECT_EQ(sample(20, 1).objects, some.objects);
  EXPECT_NE(sample(20, 2).objects, some.objects);
  EXPECT_NE(sample(20, 1, 1).objects, some.objects);
}

TEST(Anchors, AreSampledEquallyOften) {
  const std::vector<std::int64_t> matches(20, kBackground);
  std::vector<int> count(20, 0);
  for (std::uint64_t stream = 0; stream < 2000; ++stream)
    for (const std::int64_t i : model::sample_matches(matches, 5, 0.5, {7, stream}, 0).background)
      ++count[static_cast<std::size_t>(i)];
  // Binomial with 2000 draws of 1/4: a standard deviation of 19.4.
  for (const int times : count) EXPECT_NEAR(times, 500, 90);
}

TEST(BoxCoding, GoesThereAndBack) {
  const Tensor references = tensor_of(random_boxes(20, 1)), boxes = tensor_of(random_boxes(20, 2));
  EXPECT_TRUE(test::close(model::corners_of(model::centres_of(boxes)), boxes, 1e-12, 1e-12));
  const model::DeltaScale scale{.centre = 0.1, .side = 0.2};
  const Tensor deltas = model::encode_deltas(references, boxes, scale);
  EXPECT_TRUE(test::close(model::decode_deltas(references, deltas, scale), boxes, 1e-12, 1e-12));
  const std::vector<double> d = deltas.to_vector<double>(), r = references.to_vector<double>(),
                            b = boxes.to_vector<double>();
  EXPECT_NEAR(d[0], ((b[0] + b[2]) / 2 - (r[0] + r[2]) / 2) / (r[2] - r[0]) / 0.1, 1e-9);
  EXPECT_NEAR(d[3], std::log((b[3] - b[1]) / (r[3] - r[1])) / 0.2, 1e-9);
  // No side becomes infinite.
  const Tensor far = model::decode_deltas(references, Tensor::full({20, 4}, 1e6, DType::f64));
  EXPECT_NEAR(far.to_vector<double>()[2] - far.to_vector<double>()[0], (r[2] - r[0]) * 1000 / 16, 1e-3);
}

TEST(BoxCoding, GradientsMatchFiniteDifferences) {
  const Tensor references = tensor_of(random_boxes(3, 1)), boxes = tensor_of(random_boxes(3, 2)),
               deltas = test::random_tensor({3, 4}, DType::f64, 3);
  EXPECT_TRUE(test::gradients_match(
      [](const Tensors& x) {
        return Tensors{model::encode_deltas(x[0], x[1], {.centre = 0.1, .side = 0.2}),
                       model::decode_deltas(x[0], x[2], {.centre = 0.1, .side = 0.2}),
                       model::corners_of(x[1]), model::centres_of(x[1])};
      },
      {references, boxes, deltas}, {.relative = 1e-5, .absolute = 1e-6}));
}

}  // namespace
}  // namespace attend
