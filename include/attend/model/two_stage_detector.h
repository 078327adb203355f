#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "attend/model/detector.h"
#include "attend/model/feature_pyramid.h"

namespace attend::model {

/// What differences of boxes cost.
enum class BoxLoss : std::uint8_t {
  smooth_l1,  ///< of the deltas (Girshick, "Fast R-CNN", 2015), with beta 1/9
  giou,       ///< 1 - GIoU (Rezatofighi et al., 2019)
};

/// What a two-stage detector is made of. The names, and those of the pyramid, are also the keys of its JSON
/// object.
struct TwoStageDetectorConfig {
  FeaturePyramidConfig pyramid = {};
  std::int64_t classes = 20;
  double anchor_scale = 4;                 ///< side of a level's square anchor, in strides of its map
  std::int64_t proposal_candidates = 200;  ///< best anchors of each level that become candidates
  double proposal_nms_threshold = 0.7;  ///< of two candidates of one level with a larger IoU, one is left out
  std::int64_t proposals = 60;          ///< best candidates of a picture that the second stage looks at
  std::int64_t proposal_samples = 64;   ///< anchors of a picture that the first stage learns from
  std::int64_t roi_samples = 32;        ///< proposals of a picture that the second stage learns from
  std::int64_t roi_size = 7;            ///< a region is read at roi_size x roi_size places
  std::int64_t pooling_queries = 4;     ///< that look at the places of each region
  std::int64_t region_layers = 1;       ///< in which regions of a picture look at each other; 0: none
  std::int64_t heads = 4;
  BoxLoss box_loss = BoxLoss::smooth_l1;
  double dropout = 0;  ///< of each branch of the region layers, in training

  bool operator==(const TwoStageDetectorConfig&) const = default;
};

/// Throws Error naming the keys and numbers that do not fit.
void validate(const TwoStageDetectorConfig& config);
/// A JSON object with every key.
std::string to_json(const TwoStageDetectorConfig& config);
/// As encoder_config_from_json().
TwoStageDetectorConfig two_stage_detector_config_from_json(std::string_view text,
                                                           std::string_view source = "config");

class RegionProposalNetwork;
class RoiHead;

/// Object detection in two stages after Ren et al. ("Faster R-CNN", 2015) over a feature pyramid (Lin et al.,
/// 2017), with attention in the second stage.
///
/// First, a region proposal network says of the anchors of each map, boxes of the area (anchor_scale
/// stride)^2 and of three shapes, how likely each shows an object, and how it must be moved. It learns from
/// `proposal_samples` anchors of a picture, half of them on objects (IoU of 0.7 or the best of an object)
/// where there are so many, the others below 0.3: cross entropy ("objectness") and smooth L1 ("proposal").
///
/// Second, each proposal is read (RoI align) from the map whose anchors have about its size. Learned queries
/// look at the roi_size^2 places of the region, and regions of a picture look at each other, before a class
/// or "background" and a box are said. It learns from `roi_samples` proposals and objects of a picture, a
/// quarter of them on objects (IoU of 0.5) where there are so many: cross entropy ("class") and the box loss
/// of those on objects, divided by the samples ("box").
///
/// An observer is told the attention of the pooling queries, [regions, heads, queries, places], regions of
/// all pictures one after the other, as layer 0, and then the layers in which regions look at each other,
/// [batch, heads, regions, regions].
class TwoStageDetector : public Detector {
 public:
  explicit TwoStageDetector(const TwoStageDetectorConfig& config, std::uint64_t seed = 0);
  ~TwoStageDetector() override;

  const TwoStageDetectorConfig& config() const { return config_; }
  std::int64_t classes() const override { return config_.classes; }
  std::int64_t observed_layers() const override { return 1 + config_.region_layers; }

  DetectionLoss loss(const Tensor& pictures, const DetectionTargets& targets,
                     const nn::Run& run = {}) const override;
  /// The proposals' query number in the result is -1. Each proposal may be several objects.
  Detections detect(const Tensor& pictures, const DetectOptions& options = {},
                    const nn::Run& run = {}) const override;

  /// Corners in pixels [count, 4] of each picture, best first, f32 (f64 of a model in f64); at least one: the
  /// whole picture where the network proposes nothing. Off the tape.
  std::vector<Tensor> propose(const Tensor& pictures, const nn::Run& run = {}) const;

 private:
  autograd::Tensors maps(const Tensor& pictures, const nn::Run& run) const;

  TwoStageDetectorConfig config_;
  std::unique_ptr<FeaturePyramid> pyramid_;
  std::unique_ptr<RegionProposalNetwork> proposals_;
  std::unique_ptr<RoiHead> head_;
};

}  // namespace attend::model
