#include "attend/task/picture_segmenter.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "attend/autograd/tape.h"
#include "attend/model/weights.h"
#include "attend/op/resize.h"
#include "attend/op/shape.h"
#include "attend/op/softmax.h"
#include "task/model_folder.h"
#include "task/precision.h"
#include "task/segment/data.h"
#include "task/segment/evaluate.h"

namespace attend::task {

namespace {

/// Keeps the gates of places, of the layers that weigh places at all.
class GateWatcher : public attention::Observer {
 public:
  bool wants(std::int64_t) override { return true; }
  void observe(std::int64_t, const Tensor&) override {}
  void observe_gates(std::int64_t layer, const attention::Gates& gates) override {
    if (gates.places.defined()) places_[layer] = gates.places;
  }
  const std::map<std::int64_t, Tensor>& places() const { return places_; }

 private:
  std::map<std::int64_t, Tensor> places_;
};

/// The gates [1, height, width] of a layer without what surrounds the picture.
explain::PictureMap map_of_layer(std::int64_t layer, const Tensor& gates, const io::Image& picture,
                                 const model::UNet& model) {
  const std::int64_t block = layer - model.observed_gates();
  const bool skip = block < 0;
  const std::int64_t blocks = model.config().blocks_of_level(), level = skip ? layer : block / blocks;
  const std::int64_t factor = std::int64_t{1} << level;
  Tensor maps = op::reshape(gates, {1, gates.dim(1), gates.dim(2), 1});
  std::int64_t height = picture.height / factor, width = picture.width / factor;
  if (height * factor != picture.height || width * factor != picture.width) {
    // Places that are in the picture in part: pixels are cut instead.
    maps = op::resize(maps, maps.dim(1) * factor, maps.dim(2) * factor, {.mode = op::Interpolation::nearest});
    height = picture.height;
    width = picture.width;
  }
  const Tensor inside = op::contiguous(op::slice(op::slice(maps, 1, 0, height), 2, 0, width));
  return {
      .name = skip ? fmt::format("Gate of level {}", level)
                   : fmt::format("Block {} of level {}", block % blocks, level),
      .about = skip ? "what the attention gate multiplies each place by, on the way past the coarser levels"
                    : "what the attention of the way down multiplies each place by",
      .height = height,
      .width = width,
      .values = inside.to_vector<float>()};
}

explain::PictureMap map_of_class(const Tensor& probabilities, std::int64_t label, const std::string& name) {
  const Tensor own = op::contiguous(op::slice(probabilities, 2, label, label + 1));
  std::vector<float> values = own.to_vector<float>();
  // Sums of rounded exponentials may be a last bit too small.
  for (float& value : values) value = std::clamp(value, 0.0F, 1.0F);
  return {.name = name,
          .about = "the probability of this class",
          .height = own.dim(0),
          .width = own.dim(1),
          .values = std::move(values)};
}

}  // namespace

struct PictureSegmenter::Content {
  SegmentConfig config;
  std::unique_ptr<model::UNet> model;
};

PictureSegmenter::PictureSegmenter(const std::filesystem::path& folder, std::string_view precision)
    : content_(std::make_unique<Content>()) {
  const DType dtype = dtype_of_precision(precision);
  content_->config = read_segment_config(folder);
  content_->model = std::make_unique<model::UNet>(content_->config.model);
  model::load_parameters(*content_->model, folder / kWeightsFile);
  if (dtype == DType::bf16) content_->model->cast_parameters(DType::bf16);
}

PictureSegmenter::~PictureSegmenter() = default;
PictureSegmenter::PictureSegmenter(PictureSegmenter&&) noexcept = default;
PictureSegmenter& PictureSegmenter::operator=(PictureSegmenter&&) noexcept = default;

const SegmentConfig& PictureSegmenter::config() const {
  return content_->config;
}
const model::UNet& PictureSegmenter::model() const {
  return *content_->model;
}
const std::vector<std::string>& PictureSegmenter::classes() const {
  return content_->config.classes;
}

io::Image PictureSegmenter::segment(const io::Image& picture) const {
  return most_likely(pixel_logits(model(), picture, config().pixels, DType::f32));
}

explain::PictureMaps PictureSegmenter::see(const io::Image& picture) const {
  GateWatcher seen;
  const autograd::NoGrad no_grad;
  const Tensor probabilities =
      op::softmax(pixel_logits(model(), picture, config().pixels, DType::f32, &seen));
  explain::PictureMaps maps{.title = fmt::format("{} x {} pixels", picture.height, picture.width),
                            .picture = picture};
  for (const auto& [layer, gates] : seen.places())
    maps.maps.push_back(map_of_layer(layer, gates, picture, model()));
  for (std::size_t label = 1; label < classes().size(); ++label)
    maps.maps.push_back(map_of_class(probabilities, static_cast<std::int64_t>(label), classes()[label]));
  return maps;
}

SegmentEvaluation PictureSegmenter::evaluate(const std::filesystem::path& data, bool skip_bad) const {
  return task::evaluate(model(), open_pairs(data, skip_bad, classes()).pairs, config().pixels, DType::f32);
}

}  // namespace attend::task
