#include "model/roi_head.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "attend/nn/initialise.h"
#include "attend/op/activation.h"
#include "attend/op/boxes.h"
#include "attend/op/cast.h"
#include "attend/op/cross_entropy.h"
#include "attend/op/operators.h"
#include "attend/op/roi.h"
#include "attend/op/shape.h"
#include "model/anchors.h"
#include "model/box_coding.h"
#include "op/chunk.h"

namespace attend::model {

namespace {

constexpr DeltaScale kDeltaScale{.centre = 0.1, .side = 0.2};

double of_fan_in(std::int64_t inputs) {
  return std::sqrt(1 / static_cast<double>(inputs));
}

nn::MultiHeadAttentionOptions attention_options(const TwoStageDetectorConfig& config) {
  const double std = of_fan_in(config.pyramid.dim);
  return {.heads = config.heads, .initialisation_std = std, .output_std = std};
}

std::vector<std::int64_t> counts_of(const std::vector<Tensor>& regions) {
  std::vector<std::int64_t> counts;
  for (const Tensor& boxes : regions) counts.push_back(boxes.dim(0));
  return counts;
}

}  // namespace

RoiHead::RoiHead(const TwoStageDetectorConfig& config, std::vector<std::int64_t> strides, Generator& random)
    : config_(config),
      strides_(std::move(strides)),
      convolution_(config.pyramid.dim, config.pyramid.dim, {.kernel = 3, .geometry = {.padding = 1}}, random),
      pooling_(config.pyramid.dim, attention_options(config), random),
      merge_(config.pooling_queries * config.pyramid.dim, config.pyramid.dim,
             {.initialisation_std = of_fan_in(config.pooling_queries * config.pyramid.dim)}, random),
      class_head_(config.pyramid.dim, config.classes + 1, {}, random),
      box_head_(config.pyramid.dim, 4, {.initialisation_std = 0.001}, random) {
  const std::int64_t dim = config.pyramid.dim;
  add_child("convolution", convolution_);
  place_embedding_ = nn::normal({config.roi_size * config.roi_size, dim}, 0.5, random.next());
  add_parameter("place_embedding", place_embedding_, false);
  queries_ = nn::normal({config.pooling_queries, dim}, 1, random.next());
  add_parameter("queries", queries_, false);
  add_child("pooling", pooling_);
  add_child("merge", merge_);
  nn::TransformerBlockOptions options;
  options.attention = attention_options(config);
  options.attention.output_std /= 2;
  options.feed_forward = {.inner = 2 * dim,
                          .activation = nn::HiddenActivation::relu,
                          .initialisation_std = of_fan_in(dim),
                          .output_std = of_fan_in(dim) / 2};
  options.dropout = config.dropout;
  for (std::int64_t i = 0; i < config.region_layers; ++i) {
    blocks_.push_back(std::make_unique<nn::TransformerBlock>(dim, options, random));
    add_child(fmt::format("regions.{}", i), *blocks_.back());
  }
  norm_ = nn::make_norm(nn::NormKind::layer, dim);
  add_child("norm", *norm_);
  add_child("class_head", class_head_);
  add_child("box_head", box_head_);
}

std::size_t RoiHead::level_of(double area) const {
  const double finest = config_.anchor_scale * static_cast<double>(strides_.front());
  const double level = std::round(std::log2(std::sqrt(area) / finest));
  return static_cast<std::size_t>(std::clamp(level, 0.0, static_cast<double>(strides_.size() - 1)));
}

// [R, roi_size, roi_size, dim], each region from its level.
Tensor RoiHead::pooled(const autograd::Tensors& maps, const std::vector<Tensor>& regions) const {
  struct Part {
    std::vector<std::int64_t> rows, pictures;
  };
  std::vector<Part> parts(maps.size());
  const Tensor all = op::concatenate(regions, 0).detach();
  const std::vector<double> corners = all.to_vector<double>();
  std::int64_t row = 0;
  for (std::size_t picture = 0; picture < regions.size(); ++picture)
    for (std::int64_t i = 0; i < regions[picture].dim(0); ++i, ++row) {
      const double* box = corners.data() + 4 * row;
      Part& part = parts[level_of((box[2] - box[0]) * (box[3] - box[1]))];
      part.rows.push_back(row);
      part.pictures.push_back(static_cast<std::int64_t>(picture));
    }
  autograd::Tensors read;
  std::vector<std::int64_t> place(static_cast<std::size_t>(row));
  std::int64_t next = 0;
  for (std::size_t level = 0; level < maps.size(); ++level) {
    const Part& part = parts[level];
    if (part.rows.empty()) continue;
    for (const std::int64_t from : part.rows) place[static_cast<std::size_t>(from)] = next++;
    read.push_back(
        op::roi_align(maps[level], rows_of(all, part.rows),
                      Tensor::from(part.pictures, {static_cast<std::int64_t>(part.pictures.size())}),
                      {.height = config_.roi_size,
                       .width = config_.roi_size,
                       .spatial_scale = 1 / static_cast<double>(strides_[level]),
                       .sampling_ratio = 2}));
  }
  return rows_of(op::concatenate(read, 0), place);
}

// places [R, places, dim] to [R, dim].
Tensor RoiHead::features_of_regions(const Tensor& places, const nn::Run& run) const {
  const std::int64_t count = places.dim(0), dim = places.dim(2), queries = config_.pooling_queries;
  const Tensor asked = op::contiguous(
      op::expand(op::reshape(op::cast(queries_, places.dtype()), {1, queries, dim}), {count, queries, dim}));
  attention::Run attention_run;
  attention_run.observer = run.observer;
  const Tensor answers = pooling_.forward(asked, pooling_.project(places), attention_run);
  return op::activate(merge_.forward(op::reshape(answers, {count, queries * dim})), Activation::relu);
}

// Features [R, dim] after the regions of each picture looked at each other.
Tensor RoiHead::related(const Tensor& features, const std::vector<Tensor>& regions,
                        const nn::Run& run) const {
  const std::int64_t dim = features.dim(1);
  const std::vector<std::int64_t> counts = counts_of(regions);
  const auto batch = static_cast<std::int64_t>(counts.size());
  const std::int64_t longest = *std::max_element(counts.begin(), counts.end());
  std::vector<std::int64_t> padded, back;
  std::vector<std::int32_t> lengths;
  std::int64_t first = 0;
  for (std::size_t picture = 0; picture < counts.size(); ++picture) {
    const std::int64_t count = counts[picture];
    for (std::int64_t i = 0; i < longest; ++i) {
      padded.push_back(first + std::min(i, count - 1));
      if (i < count) back.push_back(static_cast<std::int64_t>(picture) * longest + i);
    }
    lengths.push_back(static_cast<std::int32_t>(count));
    first += count;
  }
  nn::Run of_regions = run;
  of_regions.key_lengths = Tensor::from(lengths, {batch});
  nn::Residual x{op::reshape(rows_of(features, padded), {batch, longest, dim}), {}};
  for (std::size_t i = 0; i < blocks_.size(); ++i)
    x = blocks_[i]->forward(std::move(x), blocks_[i]->call(of_regions, static_cast<std::int64_t>(i) + 1));
  return rows_of(op::reshape(norm_->forward(x), {batch * longest, dim}), back);
}

RoiHead::Output RoiHead::forward(const autograd::Tensors& maps, const std::vector<Tensor>& regions,
                                 const nn::Run& run) const {
  const Tensor read = op::activate(convolution_.forward(pooled(maps, regions)), Activation::relu);
  const std::int64_t places = config_.roi_size * config_.roi_size;
  const Tensor tokens =
      op::reshape(read, {read.dim(0), places, read.dim(3)}) + op::cast(place_embedding_, read.dtype());
  const Tensor features = related(features_of_regions(tokens, run), regions, run);
  const DType exact = op::parameter_dtype(features.dtype());
  return {op::cast(class_head_.forward(features), exact), op::cast(box_head_.forward(features), exact)};
}

Tensor RoiHead::boxes_of(const Tensor& regions, const Tensor& deltas) const {
  return decode_deltas(regions, deltas, kDeltaScale);
}

RoiHead::Sample RoiHead::sample(const std::vector<Tensor>& proposals, const DetectionTargets& targets,
                                const RandomStream& random) const {
  Sample result;
  autograd::Tensors found;
  std::int64_t first = 0;
  for (std::size_t picture = 0; picture < proposals.size(); ++picture) {
    const std::vector<data::Box>& boxes = targets[picture];
    const Tensor objects = box_tensor(boxes, proposals[picture].dtype());
    // At the start no proposal is near an object, but the objects are.
    const Tensor candidates =
        boxes.empty() ? proposals[picture] : op::concatenate({proposals[picture], objects}, 0);
    const std::vector<std::int64_t> matches = match_boxes(candidates, objects, {});
    const BoxSample sample =
        sample_matches(matches, config_.roi_samples, 0.25, random, static_cast<std::int64_t>(picture));
    std::vector<std::int64_t> rows = sample.objects, objects_of_rows;
    rows.insert(rows.end(), sample.background.begin(), sample.background.end());
    if (rows.empty()) rows.push_back(0);
    result.regions.push_back(rows_of(candidates, rows));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::int64_t match = matches[static_cast<std::size_t>(rows[i])];
      result.labels.push_back(match < 0 ? config_.classes : boxes[static_cast<std::size_t>(match)].label);
      if (match < 0) continue;
      result.rows.push_back(first + static_cast<std::int64_t>(i));
      objects_of_rows.push_back(match);
    }
    if (!objects_of_rows.empty()) found.push_back(rows_of(objects, objects_of_rows));
    first += static_cast<std::int64_t>(rows.size());
  }
  if (!found.empty()) result.boxes = op::concatenate(found, 0);
  return result;
}

void RoiHead::add_loss(DetectionLossSum& sum, const Output& output, const Sample& sample) const {
  const auto count = static_cast<std::int64_t>(sample.labels.size());
  sum.add("class", op::cross_entropy(output.logits, Tensor::from(sample.labels, {count})));
  if (sample.rows.empty()) return sum.add("box", Tensor::zeros({}, output.deltas.dtype()));
  const Tensor regions = rows_of(op::concatenate(sample.regions, 0), sample.rows),
               deltas = rows_of(output.deltas, sample.rows);
  const Tensor loss = config_.box_loss == BoxLoss::giou
                          ? op::giou_loss(boxes_of(regions, deltas), sample.boxes, op::Reduction::sum)
                          : smooth_l1(deltas - encode_deltas(regions, sample.boxes, kDeltaScale), 1.0 / 9);
  sum.add("box", loss * (1 / static_cast<double>(count)));
}

}  // namespace attend::model
