#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "attend/autograd/tape.h"
#include "attend/base/parallel.h"
#include "attend/base/random.h"
#include "attend/model/detector.h"
#include "attend/train/optimizer.h"

/// What tests of detectors share.
namespace attend::test {

struct TinyScenes {
  Tensor pictures;  ///< f32 [count, 48, 48, 1]
  model::DetectionTargets targets;
};

/// Dark noise with one or two bright objects each, which do not overlap: squares (class 0) and discs (1).
inline TinyScenes tiny_scenes(std::int64_t count, std::uint64_t seed) {
  constexpr std::int64_t kSide = 48;
  Generator random(seed);
  TinyScenes scenes{.pictures = Tensor::empty({count, kSide, kSide, 1}), .targets = {}};
  float* pixels = scenes.pictures.data<float>();
  for (std::int64_t picture = 0; picture < count; ++picture, pixels += kSide * kSide) {
    for (std::int64_t i = 0; i < kSide * kSide; ++i)
      pixels[i] = static_cast<float>(0.3 * random.uniform() - 0.5);
    std::vector<data::Box> boxes;
    for (std::int64_t object = 0; object <= picture % 2; ++object) {
      const auto side = static_cast<std::int64_t>(12 + random.below(9)),
                 top = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(kSide - side))),
                 left = static_cast<std::int64_t>(
                            random.below(static_cast<std::uint64_t>(kSide / 2 - side + 1))) +
                        object * (kSide / 2);
      const std::int64_t label = (picture + object) % 2;
      const double middle = static_cast<double>(side) / 2;
      for (std::int64_t y = 0; y < side; ++y)
        for (std::int64_t x = 0; x < side; ++x) {
          const double radius =
              std::hypot(static_cast<double>(x) + 0.5 - middle, static_cast<double>(y) + 0.5 - middle);
          if (label == 0 || radius <= middle) pixels[(top + y) * kSide + left + x] += 1;
        }
      boxes.push_back({static_cast<float>(left), static_cast<float>(top), static_cast<float>(left + side),
                       static_cast<float>(top + side), label});
    }
    scenes.targets.push_back(boxes);
  }
  return scenes;
}

/// IoU by the definition.
inline double overlap_of(const data::Box& a, const data::Box& b) {
  const auto area = [](double width, double height) { return std::max(width, 0.0) * std::max(height, 0.0); };
  const double both = area(static_cast<double>(std::min(a.x1, b.x1)) - std::max(a.x0, b.x0),
                           static_cast<double>(std::min(a.y1, b.y1)) - std::max(a.y0, b.y0));
  return both / (area(static_cast<double>(a.x1) - a.x0, static_cast<double>(a.y1) - a.y0) +
                 area(static_cast<double>(b.x1) - b.x0, static_cast<double>(b.y1) - b.y0) - both);
}

/// How detections with a score above 1/2 meet the objects of all pictures.
struct Found {
  std::int64_t objects = 0;  ///< in all
  std::int64_t found = 0;    ///< of which a detection has the class, and IoU above 1/2
  std::int64_t wrong = 0;    ///< detections of no object
};

inline Found found_by(const model::Detector& detector, const TinyScenes& scenes) {
  const model::Detections detections = detector.detect(scenes.pictures, {.score_threshold = 0.5});
  Found result;
  for (std::size_t picture = 0; picture < detections.size(); ++picture) {
    const auto is_of = [](const data::Box& object, const data::DetectedBox& detection) {
      return detection.box.label == object.label && overlap_of(detection.box, object) > 0.5;
    };
    const std::vector<data::Box>& objects = scenes.targets[picture];
    for (const data::Box& object : objects) {
      ++result.objects;
      result.found +=
          std::any_of(detections[picture].begin(), detections[picture].end(),
                      [&](const data::DetectedBox& detection) { return is_of(object, detection); });
    }
    for (const data::DetectedBox& detection : detections[picture])
      result.wrong += std::none_of(objects.begin(), objects.end(),
                                   [&](const data::Box& object) { return is_of(object, detection); });
  }
  return result;
}

/// Updates of AdamW on one batch, on one thread: tensors are so small that two would mostly wait for each
/// other. Gradients are clipped to the norm 1. Returns the last loss.
inline double learn_scenes(const model::Detector& detector, const TinyScenes& scenes, int updates,
                           double learning_rate) {
  const int threads_before = threads();
  set_threads(1);
  train::AdamW optimizer(detector.parameters(), {.weight_decay = 0});
  Generator random(3);
  double last = 0;
  for (int step = 0; step < updates; ++step) {
    const model::DetectionLoss loss =
        detector.loss(scenes.pictures, scenes.targets, {.training = true, .random = &random});
    last = loss.total.item();
    autograd::backward(loss.total);
    const double rate = learning_rate * std::min(1.0, (step + 1) / 10.0) * (step > updates * 3 / 4 ? 0.3 : 1);
    optimizer.step(rate, train::clip_scale(train::gradient_norm(detector.parameters()), 1));
    train::clear_gradients(detector.parameters());
  }
  set_threads(threads_before);
  return last;
}

}  // namespace attend::test
