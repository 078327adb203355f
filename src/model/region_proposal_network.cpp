#include "model/region_proposal_network.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "attend/op/activation.h"
#include "attend/op/boxes.h"
#include "attend/op/cast.h"
#include "attend/op/cross_entropy.h"
#include "attend/op/operators.h"
#include "attend/op/shape.h"
#include "model/anchors.h"
#include "model/box_coding.h"
#include "op/chunk.h"

namespace attend::model {

namespace {

constexpr double kSmallestSide = 1;  // pixels

// The numbers of the `count` highest of scores[begin, end), highest first; of equal ones the first.
std::vector<std::int64_t> highest(const std::vector<double>& scores, std::int64_t begin, std::int64_t end,
                                  std::int64_t count) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(end - begin));
  std::iota(order.begin(), order.end(), begin);
  const auto middle = order.begin() + std::min(count, end - begin);
  std::partial_sort(order.begin(), middle, order.end(), [&](std::int64_t i, std::int64_t j) {
    const double a = scores[static_cast<std::size_t>(i)], b = scores[static_cast<std::size_t>(j)];
    return a > b || (a == b && i < j);
  });
  order.erase(middle, order.end());
  return order;
}

}  // namespace

RegionProposalNetwork::RegionProposalNetwork(const TwoStageDetectorConfig& config,
                                             std::vector<std::int64_t> strides, Generator& random)
    : config_(config),
      strides_(std::move(strides)),
      shared_(config.pyramid.dim, config.pyramid.dim, {.kernel = 3, .geometry = {.padding = 1}}, random),
      objectness_(config.pyramid.dim, kAnchorsOfPlace, {.kernel = 1}, random),
      deltas_(config.pyramid.dim, 4 * kAnchorsOfPlace, {.kernel = 1}, random) {
  add_child("shared", shared_);
  add_child("objectness", objectness_);
  add_child("deltas", deltas_);
  // All anchors begin as equally likely, where they stand.
  for (const nn::Module* layer :
       {static_cast<const nn::Module*>(&objectness_), static_cast<const nn::Module*>(&deltas_)})
    for (const nn::NamedParameter& parameter : layer->parameters())
      for (std::int64_t i = 0; i < parameter.tensor.elements(); ++i)
        parameter.tensor.data<float>()[i] *= 0.05f;
}

RegionProposalNetwork::Output RegionProposalNetwork::forward(const autograd::Tensors& maps) const {
  const DType exact = op::parameter_dtype(maps.front().dtype());
  autograd::Tensors scores, deltas, anchors;
  Output output;
  for (std::size_t level = 0; level < maps.size(); ++level) {
    const std::int64_t batch = maps[level].dim(0), height = maps[level].dim(1), width = maps[level].dim(2),
                       count = height * width * kAnchorsOfPlace;
    const Tensor features = op::activate(shared_.forward(maps[level]), Activation::relu);
    scores.push_back(op::reshape(op::cast(objectness_.forward(features), exact), {batch, count}));
    deltas.push_back(op::reshape(op::cast(deltas_.forward(features), exact), {batch, count, 4}));
    const double size = config_.anchor_scale * static_cast<double>(strides_[level]);
    anchors.push_back(op::cast(anchors_of_level(height, width, strides_[level], size), exact));
    output.level_sizes.push_back(count);
  }
  output.scores = op::concatenate(scores, 1);
  output.deltas = op::concatenate(deltas, 1);
  output.anchors = op::concatenate(anchors, 0);
  return output;
}

std::vector<Tensor> RegionProposalNetwork::propose(const Output& output, const PictureSize& size) const {
  const autograd::NoGrad no_grad;
  const std::int64_t batch = output.scores.dim(0), anchors = output.scores.dim(1);
  const DType exact = output.scores.dtype();
  const auto width = static_cast<double>(size.width), height = static_cast<double>(size.height);
  const Tensor zero = Tensor::zeros({}, exact),
               edge = op::cast(Tensor::from(std::vector<double>{width, height, width, height}, {4}), exact);
  std::vector<Tensor> result;
  for (std::int64_t picture = 0; picture < batch; ++picture) {
    const auto row = [&](const Tensor& x) { return op::slice(x.detach(), 0, picture, picture + 1); };
    const Tensor boxes = op::minimum(
        op::maximum(decode_deltas(output.anchors, op::reshape(row(output.deltas), {anchors, 4})), zero),
        edge);
    const std::vector<double> corners = boxes.to_vector<double>(),
                              scores = row(output.scores).to_vector<double>();
    std::vector<std::int64_t> kept;
    std::int64_t first = 0;
    for (const std::int64_t count : output.level_sizes) {
      std::vector<std::int64_t> candidates =
          highest(scores, first, first + count, config_.proposal_candidates);
      first += count;
      std::erase_if(candidates, [&](std::int64_t i) {
        const double* box = corners.data() + 4 * i;
        return !(box[2] - box[0] >= kSmallestSide && box[3] - box[1] >= kSmallestSide);
      });
      if (candidates.empty()) continue;
      std::vector<double> of_candidates;
      for (const std::int64_t i : candidates) of_candidates.push_back(scores[static_cast<std::size_t>(i)]);
      const Tensor best = op::nms(rows_of(boxes, candidates),
                                  Tensor::from(of_candidates, {static_cast<std::int64_t>(candidates.size())}),
                                  config_.proposal_nms_threshold);
      for (const std::int64_t i : best.to_vector<std::int64_t>())
        kept.push_back(candidates[static_cast<std::size_t>(i)]);
    }
    std::stable_sort(kept.begin(), kept.end(), [&](std::int64_t i, std::int64_t j) {
      return scores[static_cast<std::size_t>(i)] > scores[static_cast<std::size_t>(j)];
    });
    if (static_cast<std::int64_t>(kept.size()) > config_.proposals)
      kept.resize(static_cast<std::size_t>(config_.proposals));
    result.push_back(kept.empty()
                         ? op::cast(Tensor::from(std::vector<double>{0, 0, width, height}, {1, 4}), exact)
                         : rows_of(boxes, kept));
  }
  return result;
}

void RegionProposalNetwork::add_loss(DetectionLossSum& sum, const Output& output,
                                     const DetectionTargets& targets, const RandomStream& random) const {
  const std::int64_t anchors = output.anchors.dim(0), batch = output.scores.dim(0);
  const DType exact = output.scores.dtype();
  std::vector<std::int64_t> rows, labels, object_rows;
  autograd::Tensors wanted;
  for (std::int64_t picture = 0; picture < batch; ++picture) {
    const Tensor objects = box_tensor(targets[static_cast<std::size_t>(picture)], exact);
    const auto matches = match_boxes(
        output.anchors, objects, {.background_below = 0.3, .object_from = 0.7, .best_of_each_object = true});
    const BoxSample sample = sample_matches(matches, config_.proposal_samples, 0.5, random, picture);
    std::vector<std::int64_t> found;
    for (const std::int64_t i : sample.objects) {
      object_rows.push_back(picture * anchors + i);
      found.push_back(matches[static_cast<std::size_t>(i)]);
    }
    if (!found.empty())
      wanted.push_back(encode_deltas(rows_of(output.anchors, sample.objects), rows_of(objects, found)));
    for (const auto& [part, label] : {std::pair{&sample.objects, 1}, std::pair{&sample.background, 0}})
      for (const std::int64_t i : *part) {
        rows.push_back(picture * anchors + i);
        labels.push_back(label);
      }
  }
  const auto count = static_cast<std::int64_t>(rows.size());
  if (count == 0) {
    sum.add("objectness", Tensor::zeros({}, exact));
    sum.add("proposal", Tensor::zeros({}, exact));
    return;
  }
  const Tensor scores = rows_of(op::reshape(output.scores, {batch * anchors, 1}), rows);
  const Tensor logits = op::concatenate({Tensor::zeros({count, 1}, exact), scores}, 1);
  sum.add("objectness", op::cross_entropy(logits, Tensor::from(labels, {count})));
  const Tensor deltas = op::reshape(output.deltas, {batch * anchors, 4});
  sum.add("proposal", wanted.empty()
                          ? Tensor::zeros({}, exact)
                          : smooth_l1(rows_of(deltas, object_rows) - op::concatenate(wanted, 0), 1.0 / 9) *
                                (1 / static_cast<double>(count)));
}

}  // namespace attend::model
