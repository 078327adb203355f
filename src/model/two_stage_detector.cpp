#include "attend/model/two_stage_detector.h"

#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/op/cast.h"
#include "attend/op/shape.h"
#include "attend/op/softmax.h"
#include "model/config_json.h"
#include "model/feature_pyramid_fields.h"
#include "model/region_proposal_network.h"
#include "model/roi_head.h"

namespace attend::model {

namespace {

inline constexpr Choice<BoxLoss, 2> kBoxLossNames{
    {{{BoxLoss::smooth_l1, "smooth_l1"}, {BoxLoss::giou, "giou"}}}};

}  // namespace

template <class Config, class Visit>
requires std::same_as<std::remove_const_t<Config>, TwoStageDetectorConfig>
void for_each_field(Config& config, Visit&& visit) {
  for_each_field(config.pyramid, visit);
  visit("classes", config.classes, IntegerRange{1, 1 << 16});
  visit("anchor_scale", config.anchor_scale, NumberRange{0, 1000, true});
  visit("proposal_candidates", config.proposal_candidates, IntegerRange{1, 1 << 16});
  visit("proposal_nms_threshold", config.proposal_nms_threshold, NumberRange{0, 1});
  visit("proposals", config.proposals, IntegerRange{1, 1 << 16});
  visit("proposal_samples", config.proposal_samples, IntegerRange{1, 1 << 16});
  visit("roi_samples", config.roi_samples, IntegerRange{1, 1 << 16});
  visit("roi_size", config.roi_size, IntegerRange{1, 64});
  visit("pooling_queries", config.pooling_queries, IntegerRange{1, 1024});
  visit("region_layers", config.region_layers, IntegerRange{0, 1000});
  visit("heads", config.heads, IntegerRange{1, 4096});
  visit("box_loss", config.box_loss, kBoxLossNames);
  visit("dropout", config.dropout, NumberRange{0, 1});
}

void validate(const TwoStageDetectorConfig& config) {
  for_each_field(config, [](const char* key, auto value, const auto& range) { range.check(key, value); });
  validate(config.pyramid);
  check({.dim = config.pyramid.dim, .heads = config.heads, .key_heads = 0, .positions = Positions::learned});
}

std::string to_json(const TwoStageDetectorConfig& config) {
  return json_of_config(config);
}

TwoStageDetectorConfig two_stage_detector_config_from_json(std::string_view text, std::string_view source) {
  return config_from_json<TwoStageDetectorConfig>(text, source);
}

TwoStageDetector::TwoStageDetector(const TwoStageDetectorConfig& config, std::uint64_t seed)
    : config_(config) {
  validate(config);
  Generator random(seed);
  pyramid_ = std::make_unique<FeaturePyramid>(config.pyramid, random);
  proposals_ = std::make_unique<RegionProposalNetwork>(config, pyramid_->strides(), random);
  head_ = std::make_unique<RoiHead>(config, pyramid_->strides(), random);
  add_child("pyramid", *pyramid_);
  add_child("proposals", *proposals_);
  add_child("head", *head_);
}

TwoStageDetector::~TwoStageDetector() = default;

autograd::Tensors TwoStageDetector::maps(const Tensor& pictures, const nn::Run& run) const {
  check_pictures(pictures, config_.pyramid.channels);
  const std::vector<nn::NamedParameter> parameters = pyramid_->parameters();
  const DType weights = parameters.front().tensor.dtype();
  return pyramid_->forward(op::cast(pictures, weights == DType::f32 ? run.compute : weights));
}

std::vector<Tensor> TwoStageDetector::propose(const Tensor& pictures, const nn::Run& run) const {
  const autograd::NoGrad no_grad;
  return proposals_->propose(proposals_->forward(maps(pictures, run)), {pictures.dim(1), pictures.dim(2)});
}

DetectionLoss TwoStageDetector::loss(const Tensor& pictures, const DetectionTargets& targets,
                                     const nn::Run& run) const {
  check_pictures(pictures, config_.pyramid.channels);
  check_targets(targets, pictures, config_.classes);
  const autograd::Tensors levels = maps(pictures, run);
  const RegionProposalNetwork::Output proposed = proposals_->forward(levels);
  DetectionLossSum sum;
  proposals_->add_loss(sum, proposed, targets, sampling_stream(run));
  const RoiHead::Sample sample = head_->sample(
      proposals_->propose(proposed, {pictures.dim(1), pictures.dim(2)}), targets, sampling_stream(run));
  head_->add_loss(sum, head_->forward(levels, sample.regions, run), sample);
  return sum.result();
}

Detections TwoStageDetector::detect(const Tensor& pictures, const DetectOptions& options,
                                    const nn::Run& run) const {
  const autograd::NoGrad no_grad;
  check(options);
  const autograd::Tensors levels = maps(pictures, run);
  const std::vector<Tensor> regions =
      proposals_->propose(proposals_->forward(levels), {pictures.dim(1), pictures.dim(2)});
  const RoiHead::Output output = head_->forward(levels, regions, run);
  const std::vector<double> probabilities = op::softmax(output.logits).to_vector<double>();
  const std::vector<float> corners =
      head_->boxes_of(op::concatenate(regions, 0), output.deltas).to_vector<float>();
  Detections result;
  std::int64_t row = 0;
  for (const Tensor& of_picture : regions) {
    std::vector<data::DetectedBox> candidates;
    for (std::int64_t i = 0; i < of_picture.dim(0); ++i, ++row)
      for (std::int64_t label = 0; label < config_.classes; ++label) {
        const float* box = corners.data() + 4 * row;
        const double score = probabilities[static_cast<std::size_t>(row * (config_.classes + 1) + label)];
        if (score < options.score_threshold) continue;
        candidates.push_back({.box = {box[0], box[1], box[2], box[3], label}, .score = score});
      }
    result.push_back(kept_detections(std::move(candidates), pictures.dim(1), pictures.dim(2), options));
  }
  return result;
}

}  // namespace attend::model
