#include "task/detect/attention_maps.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "attend/model/detection_transformer.h"
#include "attend/model/two_stage_detector.h"
#include "attend/op/shape.h"

namespace attend::task {

namespace {

/// Of the part of the fitted picture that shows the picture, a pixel each.
explain::PictureMap empty_map(const FittedPicture& fitted, std::string name, std::string about) {
  return {.name = std::move(name),
          .about = std::move(about),
          .height = fitted.height,
          .width = fitted.width,
          .values = std::vector<float>(static_cast<std::size_t>(fitted.height * fitted.width))};
}

std::string name_of(const data::DetectedBox& object, const DetectConfig& config) {
  return fmt::format("{} {:.2f}", config.classes[static_cast<std::size_t>(object.box.label)], object.score);
}

/// The weights of places of a map that covers the whole fitted picture.
explain::PictureMap map_of_places(const DetectionAttention& attention, const std::vector<float>& weights,
                                  std::int64_t stride, const std::string& name, const std::string& about) {
  const FittedPicture& fitted = attention.fitted;
  const std::int64_t columns = (attention.config.size.width - 1) / stride + 1;
  explain::PictureMap map = empty_map(fitted, name, about);
  for (std::int64_t y = 0; y < fitted.height; ++y)
    for (std::int64_t x = 0; x < fitted.width; ++x)
      map.values[static_cast<std::size_t>(y * fitted.width + x)] =
          weights[static_cast<std::size_t>(y / stride * columns + x / stride)];
  return scaled(std::move(map));
}

std::vector<explain::PictureMap> maps_of_queries(const model::DetectionTransformer& model,
                                                 const DetectionAttention& attention,
                                                 const std::vector<data::DetectedBox>& objects) {
  const model::DetectionTransformerConfig& config = model.config();
  const Tensor weights = attention.seen.weights().at(model.query_attention_layer(config.decoder_layers - 1));
  // Of the finest map that the pyramid gives, which is what queries look at.
  const std::int64_t stride = std::int64_t{4} << (config.pyramid.stages - config.pyramid.levels);
  std::vector<explain::PictureMap> maps = {
      map_of_places(attention, received(weights, 0, weights.dim(1), 0), stride, "All queries",
                    "the attention of all object queries to places, in the last layer")};
  for (const data::DetectedBox& object : objects) {
    const Tensor own = op::contiguous(op::slice(weights, 2, object.query, object.query + 1));
    maps.push_back(map_of_places(attention, received(own, 0, own.dim(1), 0), stride,
                                 name_of(object, attention.config),
                                 "the attention of this object's query to places, in the last layer"));
  }
  return maps;
}

/// Proposals of the network, the corners of row i.
class Proposals {
 public:
  explicit Proposals(const Tensor& corners) : corners_(corners.to_vector<float>()) {}
  std::size_t count() const { return corners_.size() / 4; }
  data::Box operator[](std::size_t i) const {
    const float* c = corners_.data() + 4 * i;
    return {c[0], c[1], c[2], c[3]};
  }

 private:
  std::vector<float> corners_;
};

/// Calls paint(value of the map, x, y) for each pixel whose middle is in the box, where x and y go from 0 to
/// 1 in it.
template <class Paint>
void paint_box(explain::PictureMap& map, const data::Box& box, Paint&& paint) {
  const auto first = [](float from) {
    return std::max<std::int64_t>(0, static_cast<std::int64_t>(std::ceil(from - 0.5F)));
  };
  for (std::int64_t row = first(box.y0); row < std::min(map.height, first(box.y1)); ++row)
    for (std::int64_t column = first(box.x0); column < std::min(map.width, first(box.x1)); ++column)
      paint(map.values[static_cast<std::size_t>(row * map.width + column)],
            (static_cast<double>(column) + 0.5 - box.x0) / (double{box.x1} - double{box.x0}),
            (static_cast<double>(row) + 0.5 - box.y0) / (double{box.y1} - double{box.y0}));
}

double overlap(const data::Box& a, const data::Box& b) {
  const double shared = data::shared_area(a, b);
  return shared / (data::area_of(a) + data::area_of(b) - shared);
}

/// The proposal that has the largest IoU with an object.
std::size_t proposal_of(const data::DetectedBox& object, const Proposals& proposals,
                        const DetectionAttention& attention) {
  std::size_t best = 0;
  double most = -1;
  for (std::size_t i = 0; i < proposals.count(); ++i) {
    const double own = overlap(object.box, box_in_picture(proposals[i], attention.fitted, attention.picture));
    if (own > most) {
      most = own;
      best = i;
    }
  }
  return best;
}

explain::PictureMap map_of_region(const Tensor& weights, const data::Box& region, std::int64_t side,
                                  explain::PictureMap map) {
  const std::vector<float> places = received(weights, 0, weights.dim(1), 0);
  const auto place = [&](double share) {
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(share * static_cast<double>(side)), 0,
                                    side - 1);
  };
  paint_box(map, region, [&](float& value, double x, double y) {
    value = places[static_cast<std::size_t>(place(y) * side + place(x))];
  });
  return scaled(std::move(map));
}

std::vector<explain::PictureMap> maps_of_regions(const model::TwoStageDetector& model,
                                                 const DetectionAttention& attention,
                                                 const std::vector<data::DetectedBox>& objects) {
  const DetectBatch batch = batch_of({&attention.fitted.scene, 1}, attention.config);
  const Proposals proposals(model.propose(batch.pictures).front());
  const Tensor weights = attention.seen.weights().at(0);
  explain::PictureMap all =
      empty_map(attention.fitted, "Proposals", "how many of the proposals cover each place");
  for (std::size_t i = 0; i < proposals.count(); ++i)
    paint_box(all, proposals[i], [](float& value, double, double) { value += 1; });
  std::vector<explain::PictureMap> maps = {scaled(std::move(all))};
  for (const data::DetectedBox& object : objects) {
    const std::size_t best = proposal_of(object, proposals, attention);
    const auto row = static_cast<std::int64_t>(best);
    maps.push_back(map_of_region(
        op::contiguous(op::slice(weights, 0, row, row + 1)), proposals[best], model.config().roi_size,
        empty_map(attention.fitted, name_of(object, attention.config),
                  "the attention of the pooling queries to places of the proposal that overlaps most")));
  }
  return maps;
}

}  // namespace

std::vector<explain::PictureMap> attention_maps(const DetectionAttention& attention,
                                                const std::vector<data::DetectedBox>& objects) {
  if (const auto* transformer = dynamic_cast<const model::DetectionTransformer*>(&attention.model);
      transformer != nullptr)
    return maps_of_queries(*transformer, attention, objects);
  return maps_of_regions(dynamic_cast<const model::TwoStageDetector&>(attention.model), attention, objects);
}

}  // namespace attend::task
