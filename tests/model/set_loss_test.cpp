#include "model/set_loss.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "attend/op/shape.h"
#include "support/compare.h"
#include "support/gradient_check.h"
#include "support/random_tensor.h"
#include "support/tiny_scenes.h"

namespace attend {
namespace {

using autograd::Tensors;

/// Numbers of a prediction of some queries, and of objects, read one by one.
struct Numbers {
  std::vector<double> logits, boxes;
  std::size_t classes;  // with "no object"

  double probability(std::size_t query, std::size_t label) const {
    double total = 0;
    for (std::size_t c = 0; c < classes; ++c) total += std::exp(logits[query * classes + c]);
    return std::exp(logits[query * classes + label]) / total;
  }
};

struct Corners {
  double x0, y0, x1, y1;
};

Corners corners(const double* box) {
  return {box[0] - box[2] / 2, box[1] - box[3] / 2, box[0] + box[2] / 2, box[1] + box[3] / 2};
}

double giou(const double* first, const double* second) {
  const Corners a = corners(first), b = corners(second);
  const auto area = [](double w, double h) { return std::max(w, 0.0) * std::max(h, 0.0); };
  const double both =
      area(std::min(a.x1, b.x1) - std::max(a.x0, b.x0), std::min(a.y1, b.y1) - std::max(a.y0, b.y0));
  const double all = first[2] * first[3] + second[2] * second[3] - both;
  const double hull =
      area(std::max(a.x1, b.x1) - std::min(a.x0, b.x0), std::max(a.y1, b.y1) - std::min(a.y0, b.y0));
  return both / all - (hull - all) / hull;
}

double distance(const double* a, const double* b) {
  double sum = 0;
  for (int k = 0; k < 4; ++k) sum += std::abs(a[k] - b[k]);
  return sum;
}

/// The queries of objects 0, 1 ... of the cheapest of all assignments.
std::vector<std::size_t> cheapest(const Numbers& said, const std::vector<double>& objects,
                                  const std::vector<std::int64_t>& labels) {
  std::vector<std::size_t> order(said.boxes.size() / 4), best;
  std::iota(order.begin(), order.end(), std::size_t{0});
  double least = std::numeric_limits<double>::infinity();
  do {
    double cost = 0;
    for (std::size_t j = 0; j < labels.size(); ++j) {
      const double* box = said.boxes.data() + 4 * order[j];
      cost += 2 * (1 - said.probability(order[j], static_cast<std::size_t>(labels[j]))) +
              5 * distance(box, objects.data() + 4 * j) - 2 * giou(box, objects.data() + 4 * j);
    }
    if (cost < least) {
      least = cost;
      best.assign(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(labels.size()));
    }
  } while (std::next_permutation(order.begin(), order.end()));
  return best;
}

Tensor logits_of(std::int64_t batch, std::int64_t queries, std::uint64_t seed) {
  return test::random_tensor({batch, queries, 4}, DType::f64, seed, -2, 2);
}

Tensor boxes_of(std::int64_t batch, std::int64_t queries, std::uint64_t seed) {
  return test::random_tensor({batch, queries, 4}, DType::f64, seed, 0.2, 0.8);
}

TEST(SetLoss, PairsAreTheCheapestOfAllAssignments) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const std::int64_t count = 1 + static_cast<std::int64_t>(seed % 4);
    const Tensor logits = op::reshape(logits_of(1, 5, 10 + seed), {5, 4}),
                 boxes = op::reshape(boxes_of(1, 5, 40 + seed), {5, 4}),
                 objects = test::random_tensor({count, 4}, DType::f64, 70 + seed, 0.2, 0.8);
    std::vector<std::int64_t> labels;
    for (std::int64_t j = 0; j < count; ++j) labels.push_back((j + static_cast<std::int64_t>(seed)) % 3);
    const auto found = model::match_queries(logits, boxes, objects, labels);
    const auto rows = found.rows.to_vector<std::int64_t>(), columns = found.columns.to_vector<std::int64_t>();
    const auto expected = cheapest({logits.to_vector<double>(), boxes.to_vector<double>(), 4},
                                   objects.to_vector<double>(), labels);
    ASSERT_EQ(rows.size(), expected.size());
    for (std::size_t i = 0; i < rows.size(); ++i)
      EXPECT_EQ(static_cast<std::size_t>(rows[i]), expected[static_cast<std::size_t>(columns[i])]) << seed;
  }
}

TEST(SetLoss, IsItsDefinitionForEachGroupOfEachPicture) {
  // Two pictures of 10 x 20 pixels, the second without any object; two groups of four queries.
  const model::DetectionTargets targets = {{{2, 1, 12, 9, 2}, {4, 4, 8, 8, 0}}, {}};
  const auto objects = model::set_objects(targets, 10, 20, DType::f64);
  const std::vector<double> wanted = {0.35, 0.5, 0.5, 0.8, 0.3, 0.6, 0.2, 0.4};
  EXPECT_TRUE(test::close(objects[0].boxes, Tensor::from(wanted, {2, 4}), 1e-7, 1e-7));
  const Tensor logits = logits_of(2, 8, 1), boxes = boxes_of(2, 8, 2);
  const std::vector<double> all_logits = logits.to_vector<double>(), all_boxes = boxes.to_vector<double>();
  double classes = 0, weights = 0, l1 = 0, overlap = 0;
  for (std::size_t set = 0; set < 4; ++set) {
    const auto part = [&](const std::vector<double>& x) {
      return std::vector<double>(x.begin() + static_cast<std::ptrdiff_t>(set * 16),
                                 x.begin() + static_cast<std::ptrdiff_t>(set * 16 + 16));
    };
    const Numbers said{part(all_logits), part(all_boxes), 4};
    const bool has_objects = set < 2;
    const auto pairs = has_objects ? cheapest(said, wanted, {2, 0}) : std::vector<std::size_t>{};
    for (std::size_t query = 0; query < 4; ++query) {
      std::size_t label = 3;
      for (std::size_t j = 0; j < pairs.size(); ++j)
        if (pairs[j] == query) label = j == 0 ? 2 : 0;
      const double weight = label == 3 ? 0.25 : 1;
      classes -= weight * std::log(said.probability(query, label));
      weights += weight;
    }
    for (std::size_t j = 0; j < pairs.size(); ++j) {
      l1 += distance(said.boxes.data() + 4 * pairs[j], wanted.data() + 4 * j) / 4;
      overlap += (1 - giou(said.boxes.data() + 4 * pairs[j], wanted.data() + 4 * j)) / 4;
    }
  }
  model::DetectionLossSum sum;
  model::add_set_loss(sum, logits, boxes, objects, {.queries = 4, .no_object_weight = 0.25});
  const model::DetectionLoss loss = sum.result();
  ASSERT_EQ(loss.parts.size(), 3u);
  EXPECT_EQ(loss.parts[0].name, "class");
  EXPECT_EQ(loss.parts[1].name, "box");
  EXPECT_EQ(loss.parts[2].name, "giou");
  // Boxes in pixels are f32; GIoU's divisors have 1e-7 more.
  EXPECT_NEAR(loss.parts[0].value, 2 * classes / weights, 1e-10);
  EXPECT_NEAR(loss.parts[1].value, 5 * l1, 1e-5);
  EXPECT_NEAR(loss.parts[2].value, 2 * overlap, 1e-5);
  EXPECT_NEAR(loss.total.item(), loss.parts[0].value + loss.parts[1].value + loss.parts[2].value, 1e-10);
}

TEST(SetLoss, GradientsMatchFiniteDifferences) {
  const auto objects =
      model::set_objects({{{2, 1, 12, 9, 2}, {4, 4, 8, 8, 0}}, {{1, 2, 5, 9, 1}}}, 10, 20, DType::f64);
  EXPECT_TRUE(test::gradients_match(
      [&](const Tensors& x) {
        model::DetectionLossSum sum;
        model::add_set_loss(sum, x[0], x[1], objects, {.queries = 4});
        return Tensors{sum.result().total};
      },
      {logits_of(2, 8, 1), boxes_of(2, 8, 2)}, {.relative = 1e-5, .absolute = 1e-6}));
}

TEST(SetLoss, FewerQueriesThanObjectsFindWhatTheyCan) {
  const auto objects =
      model::set_objects({{{2, 1, 12, 9, 2}, {4, 4, 8, 8, 0}, {1, 2, 5, 9, 1}}}, 10, 20, DType::f64);
  model::DetectionLossSum sum;
  model::add_set_loss(sum, logits_of(1, 2, 1), boxes_of(1, 2, 2), objects, {.queries = 2});
  EXPECT_TRUE(std::isfinite(sum.result().total.item()));
}

}  // namespace
}  // namespace attend
