// The two stages of a two-stage detector, each by itself.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "attend/op/operators.h"
#include "attend/op/reduce.h"
#include "attend/op/shape.h"
#include "model/anchors.h"
#include "model/box_coding.h"
#include "model/region_proposal_network.h"
#include "model/roi_head.h"
#include "support/compare.h"
#include "support/image_models.h"
#include "support/module_gradients.h"
#include "support/tiny_scenes.h"

namespace attend {
namespace {

using autograd::Tensors;
using model::RegionProposalNetwork;
using model::RoiHead;
using model::TwoStageDetectorConfig;

const TwoStageDetectorConfig kConfig{
    .pyramid = {.channels = 1, .width = 4, .stages = 2, .levels = 2, .dim = 8},
    .classes = 2,
    .anchor_scale = 2,
    .proposal_candidates = 12,
    .proposal_nms_threshold = 0.4,
    .proposals = 7,
    .proposal_samples = 16,
    .roi_samples = 8,
    .roi_size = 3,
    .pooling_queries = 2,
    .heads = 2};
const std::vector<std::int64_t> kStrides = {4, 8};

Tensors maps(DType dtype = DType::f64) {
  return {test::random_tensor({2, 6, 7, 8}, dtype, 1), test::random_tensor({2, 3, 4, 8}, dtype, 2)};
}

const model::DetectionTargets kTargets = {{{3, 4, 12, 14, 1}, {12, 8, 25, 20, 0}}, {{2, 2, 10, 9, 0}}};

template <class Stage>
struct Made {
  Generator random{3};
  Stage stage;
  explicit Made(const TwoStageDetectorConfig& config = kConfig) : stage(config, kStrides, random) {
    test::fill_by_name(stage);
  }
};

data::Box box_of(const std::vector<double>& corners, std::size_t i) {
  return {static_cast<float>(corners[4 * i]), static_cast<float>(corners[4 * i + 1]),
          static_cast<float>(corners[4 * i + 2]), static_cast<float>(corners[4 * i + 3]), 0};
}

void expect_proposals_by_definition(std::int64_t most) {
  TwoStageDetectorConfig config = kConfig;
  config.proposals = most;
  const Made<RegionProposalNetwork> made(config);
  auto output = made.stage.forward(maps());
  // Little moved, so that anchors of neighbouring places overlap.
  output.deltas = 0.1 * output.deltas;
  ASSERT_EQ(output.level_sizes, (std::vector<std::int64_t>{6 * 7 * 3, 3 * 4 * 3}));
  const auto proposals = made.stage.propose(output, {.height = 24, .width = 28});
  ASSERT_EQ(proposals.size(), 2u);
  for (std::int64_t picture = 0; picture < 2; ++picture) {
    const auto scores = op::slice(output.scores.detach(), 0, picture, picture + 1).to_vector<double>();
    std::vector<double> corners =
        model::decode_deltas(output.anchors,
                             op::reshape(op::slice(output.deltas.detach(), 0, picture, picture + 1),
                                         {output.anchors.dim(0), 4}))
            .to_vector<double>();
    for (std::size_t i = 0; i < corners.size(); ++i)
      corners[i] = std::min(std::max(corners[i], 0.0), i % 2 == 0 ? 28.0 : 24.0);
    struct Candidate {
      double score;
      std::size_t anchor;
    };
    std::vector<Candidate> kept;
    std::size_t first = 0;
    for (const std::size_t count : {std::size_t{126}, std::size_t{36}}) {
      std::vector<Candidate> level;
      for (std::size_t i = first; i < first + count; ++i) level.push_back({scores[i], i});
      first += count;
      std::sort(level.begin(), level.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
      level.resize(12);
      std::vector<Candidate> of_level;
      for (const Candidate& candidate : level) {
        const double* box = corners.data() + 4 * candidate.anchor;
        if (box[2] - box[0] < 1 || box[3] - box[1] < 1) continue;
        if (std::none_of(of_level.begin(), of_level.end(), [&](const Candidate& other) {
              return test::overlap_of(box_of(corners, other.anchor), box_of(corners, candidate.anchor)) > 0.4;
            }))
          of_level.push_back(candidate);
      }
      kept.insert(kept.end(), of_level.begin(), of_level.end());
    }
    std::sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
    if (kept.size() > static_cast<std::size_t>(most)) kept.resize(static_cast<std::size_t>(most));
    std::vector<double> expected;
    for (const Candidate& candidate : kept)
      expected.insert(expected.end(), corners.begin() + static_cast<std::ptrdiff_t>(4 * candidate.anchor),
                      corners.begin() + static_cast<std::ptrdiff_t>(4 * candidate.anchor + 4));
    EXPECT_TRUE(test::close(proposals[static_cast<std::size_t>(picture)],
                            Tensor::from(expected, {static_cast<std::int64_t>(kept.size()), 4}), 1e-9, 1e-9));
  }
}

TEST(RegionProposalNetwork, ProposesWhatTheDefinitionProposes) {
  expect_proposals_by_definition(3);
  expect_proposals_by_definition(24);
}

TEST(RegionProposalNetwork, ProposesTheWholePictureWhenNothingElseIsLeft) {
  const Made<RegionProposalNetwork> made;
  auto output = made.stage.forward(maps());
  output.deltas = Tensor::full(output.deltas.shape(), -100, DType::f64);  // far outside, without any size
  const auto proposals = made.stage.propose(output, {.height = 24, .width = 28});
  for (const Tensor& boxes : proposals)
    EXPECT_TRUE(test::same_bits(boxes, Tensor::from(std::vector<double>{0, 0, 28, 24}, {1, 4})));
}

TEST(RegionProposalNetwork, GradientsOfItsLossMatchFiniteDifferences) {
  const Made<RegionProposalNetwork> made;
  const Tensors x = maps();
  EXPECT_TRUE(test::parameter_gradients_match(made.stage, [&] {
    model::DetectionLossSum sum;
    made.stage.add_loss(sum, made.stage.forward(x), kTargets, {5, 6});
    EXPECT_GT(sum.result().parts[1].value, 0);
    return sum.result().total;
  }));
}

TEST(RegionProposalNetwork, LossIsThatOfTheSampledAnchors) {
  const Made<RegionProposalNetwork> made;
  const auto output = made.stage.forward(maps());
  double objectness = 0, moved = 0;
  std::int64_t count = 0;
  for (std::int64_t picture = 0; picture < 2; ++picture) {
    const Tensor objects = model::box_tensor(kTargets[static_cast<std::size_t>(picture)], DType::f64);
    const auto matches = model::match_boxes(
        output.anchors, objects, {.background_below = 0.3, .object_from = 0.7, .best_of_each_object = true});
    const auto sample = model::sample_matches(matches, 16, 0.5, {5, 6}, picture);
    EXPECT_FALSE(sample.objects.empty());
    const auto score = [&](std::int64_t i) { return output.scores.data<double>()[picture * 162 + i]; };
    for (const std::int64_t i : sample.objects) objectness += std::log1p(std::exp(-score(i)));
    for (const std::int64_t i : sample.background) objectness += std::log1p(std::exp(score(i)));
    count += static_cast<std::int64_t>(sample.objects.size() + sample.background.size());
    for (const std::int64_t i : sample.objects) {
      const std::int64_t object = matches[static_cast<std::size_t>(i)];
      const auto wanted = model::encode_deltas(op::slice(output.anchors, 0, i, i + 1),
                                               op::slice(objects, 0, object, object + 1))
                              .to_vector<double>();
      for (std::size_t k = 0; k < 4; ++k) {
        const double d = std::abs(
            wanted[k] - output.deltas.data<double>()[(picture * 162 + i) * 4 + static_cast<std::int64_t>(k)]);
        moved += d < 1.0 / 9 ? d * d * 9 / 2 : d - 1.0 / 18;
      }
    }
  }
  model::DetectionLossSum sum;
  made.stage.add_loss(sum, output, kTargets, {5, 6});
  const auto loss = sum.result();
  EXPECT_EQ(loss.parts[0].name, "objectness");
  EXPECT_NEAR(loss.parts[0].value, objectness / static_cast<double>(count), 1e-9);
  EXPECT_EQ(loss.parts[1].name, "proposal");
  EXPECT_NEAR(loss.parts[1].value, moved / static_cast<double>(count), 1e-9);
}

Tensor regions_of(const std::vector<double>& corners) {
  return Tensor::from(corners, {static_cast<std::int64_t>(corners.size() / 4), 4});
}

const std::vector<double> kFirst = {1, 2, 9, 12, 4, 4, 24, 20, 0, 0, 28, 24},
                          kSecond = {5, 5, 14, 13, 2, 3, 20, 22};

TEST(RoiHead, ReadsEachRegionFromTheLevelOfItsSize) {
  const Made<RoiHead> made;
  // Anchors have sides of 8 and 16; between them decides their geometric mean.
  EXPECT_EQ(made.stage.level_of(1), 0u);
  EXPECT_EQ(made.stage.level_of(8 * 8), 0u);
  EXPECT_EQ(made.stage.level_of(11.2 * 11.2), 0u);
  EXPECT_EQ(made.stage.level_of(11.4 * 11.4), 1u);
  EXPECT_EQ(made.stage.level_of(16 * 16), 1u);
  EXPECT_EQ(made.stage.level_of(1e6), 1u);
}

TEST(RoiHead, SaysTheSameOfAPictureWhateverElseIsInTheBatch) {
  for (const std::int64_t region_layers : {0, 2}) {
    TwoStageDetectorConfig config = kConfig;
    config.region_layers = region_layers;
    const Made<RoiHead> made(config);
    const Tensors x = maps();
    const auto together = made.stage.forward(x, {regions_of(kFirst), regions_of(kSecond)}, {});
    const Tensors second = {op::slice(x[0], 0, 1, 2), op::slice(x[1], 0, 1, 2)};
    const auto alone = made.stage.forward(second, {regions_of(kSecond)}, {});
    EXPECT_TRUE(test::close(op::slice(together.logits, 0, 3, 5).detach(), alone.logits.detach(), 1e-9, 1e-9));
    EXPECT_TRUE(test::close(op::slice(together.deltas, 0, 3, 5).detach(), alone.deltas.detach(), 1e-9, 1e-9));
    // Without layers between them, regions know nothing of each other; with them, they do.
    const Tensors first = {op::slice(x[0], 0, 0, 1), op::slice(x[1], 0, 0, 1)};
    const auto one = made.stage.forward(
        first, {regions_of(std::vector<double>(kFirst.begin() + 4, kFirst.begin() + 8))}, {});
    EXPECT_EQ(
        static_cast<bool>(test::differ(op::slice(together.logits, 0, 1, 2).detach(), one.logits.detach())),
        region_layers > 0);
  }
}

TEST(RoiHead, GradientsOfItsLossMatchFiniteDifferences) {
  for (const auto box_loss : {model::BoxLoss::smooth_l1, model::BoxLoss::giou}) {
    TwoStageDetectorConfig config = kConfig;
    config.box_loss = box_loss;
    const Made<RoiHead> made(config);
    const Tensors x = maps();
    const auto sample = made.stage.sample({regions_of(kFirst), regions_of(kSecond)}, kTargets, {5, 7});
    ASSERT_FALSE(sample.rows.empty());
    EXPECT_TRUE(test::parameter_gradients_match(made.stage, [&] {
      model::DetectionLossSum sum;
      made.stage.add_loss(sum, made.stage.forward(x, sample.regions, {}), sample);
      return sum.result().total;
    }));
  }
}

TEST(RoiHead, LearnsFromProposalsAndObjects) {
  const Made<RoiHead> made;
  const auto sample = made.stage.sample({regions_of(kFirst), regions_of(kSecond)}, {kTargets[0], {}}, {5, 7});
  ASSERT_EQ(sample.regions.size(), 2u);
  // At most a quarter of eight are on objects: two of the proposals and objects of the first picture.
  ASSERT_EQ(sample.rows.size(), 2u);
  EXPECT_EQ(sample.boxes.shape(), (Shape{2, 4}));
  const auto all = op::concatenate(sample.regions, 0).to_vector<double>(),
             objects = sample.boxes.to_vector<double>();
  ASSERT_EQ(sample.labels.size(), all.size() / 4);
  for (std::size_t i = 0; i < sample.labels.size(); ++i) {
    const auto row = std::find(sample.rows.begin(), sample.rows.end(), static_cast<std::int64_t>(i));
    if (row == sample.rows.end()) {
      EXPECT_EQ(sample.labels[i], 2) << "background";
      continue;
    }
    const auto object = static_cast<std::size_t>(row - sample.rows.begin());
    EXPECT_GE(test::overlap_of(box_of(all, i), box_of(objects, object)), 0.5);
    EXPECT_EQ(box_of(objects, object).x0, sample.labels[i] == 1 ? 3 : 12);
  }
  EXPECT_EQ(sample.labels.back(), 2);
}

}  // namespace
}  // namespace attend
