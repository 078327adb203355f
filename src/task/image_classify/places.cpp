#include "task/image_classify/places.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "attend/autograd/tape.h"
#include "attend/model/residual_cnn.h"
#include "attend/model/vision_transformer.h"
#include "attend/op/shape.h"
#include "task/image_classify/evaluate.h"
#include "task/picture_attention.h"

namespace attend::task {

namespace {

using explain::PictureMap;

// A map of what a spatial transformer made of the picture, as a map of the picture [height, width]: 0 where
// the network did not look.
PictureMap over_the_picture(const PictureMap& map, const std::vector<float>& theta, std::int64_t height,
                            std::int64_t width) {
  PictureMap result = map;
  result.height = height;
  result.width = width;
  result.values.assign(static_cast<std::size_t>(height * width), 0.0F);
  const float determinant = theta[0] * theta[4] - theta[1] * theta[3];
  if (!(std::abs(determinant) > 1e-6F)) return result;  // all was read from one line
  const auto centre = [](std::int64_t i, std::int64_t size) {
    return static_cast<float>(2 * i + 1) / static_cast<float>(size) - 1;
  };
  const auto place = [](float at, std::int64_t size) {
    return static_cast<std::int64_t>(std::floor((at + 1) / 2 * static_cast<float>(size)));
  };
  for (std::int64_t i = 0; i < height; ++i)
    for (std::int64_t j = 0; j < width; ++j) {
      const float x = centre(j, width) - theta[2], y = centre(i, height) - theta[5];
      const std::int64_t column = place((theta[4] * x - theta[1] * y) / determinant, map.width),
                         row = place((theta[0] * y - theta[3] * x) / determinant, map.height);
      if (row < 0 || row >= map.height || column < 0 || column >= map.width) continue;
      result.values[static_cast<std::size_t>(i * width + j)] =
          map.values[static_cast<std::size_t>(row * map.width + column)];
    }
  return result;
}

// The maps of features are those of what the spatial transformer made of the picture.
void place_in_picture(std::vector<PictureMap>& maps, const std::vector<float>& theta, std::int64_t height,
                      std::int64_t width) {
  if (theta.empty()) return;
  for (PictureMap& map : maps) map = over_the_picture(map, theta, height, width);
  PictureMap read{.name = "Read",
                  .about = "the part that the spatial transformer made the network read",
                  .height = 1,
                  .width = 1};
  read.values = {1};
  maps.push_back(over_the_picture(read, theta, height, width));
}

// A square is hidden in one place after another; the mean of the pictures is what stands there instead.
PictureMap occlusion(const model::ImageClassifier& model, const Tensor& picture, std::int64_t label) {
  const std::int64_t height = picture.dim(1), width = picture.dim(2), channels = picture.dim(3);
  const std::int64_t side = std::max<std::int64_t>(2, std::min(height, width) / 5),
                     step = std::max<std::int64_t>(1, std::min(height, width) / 14);
  const std::int64_t rows = (height + step - 1) / step, columns = (width + step - 1) / step;
  const float whole =
      std::exp(log_probabilities(model, picture, DType::f32)[static_cast<std::size_t>(label)]);
  PictureMap map{.name = "Occlusion",
                 .about = "how much less likely the class is when a square around the place is hidden",
                 .height = rows,
                 .width = columns};
  const auto plain = picture.to_vector<float>();
  for (std::int64_t i = 0; i < rows; ++i) {
    std::vector<float> line;
    for (std::int64_t j = 0; j < columns; ++j) {
      std::vector<float> hidden = plain;
      const std::int64_t top = i * step + step / 2 - side / 2, left = j * step + step / 2 - side / 2;
      for (std::int64_t y = std::max<std::int64_t>(0, top); y < std::min(height, top + side); ++y)
        for (std::int64_t x = std::max<std::int64_t>(0, left); x < std::min(width, left + side); ++x)
          std::fill_n(hidden.begin() + (y * width + x) * channels, channels, 0.0F);
      line.insert(line.end(), hidden.begin(), hidden.end());
    }
    const auto values =
        log_probabilities(model, Tensor::from(line, {columns, height, width, channels}), DType::f32);
    const auto classes = static_cast<std::int64_t>(values.size()) / columns;
    for (std::int64_t j = 0; j < columns; ++j)
      map.values.push_back(whole - std::exp(values[static_cast<std::size_t>(j * classes + label)]));
  }
  return scaled(std::move(map));
}

PictureMap grad_cam(const model::ResidualCnn& model, const Tensor& picture, std::int64_t label) {
  Tensor features;
  {
    const autograd::NoGrad no_grad;
    features = model.features(picture).clone();
  }
  autograd::set_requires_grad(features);
  const Tensor logits = model.logits_of(features);
  const Tensor own = op::slice(logits, 1, label, label + 1);
  const auto gradient = autograd::gradients({own}, {features}, {Tensor::full(own.shape(), 1, own.dtype())})[0]
                            .to_vector<float>(),
             values = features.to_vector<float>();
  const std::int64_t height = features.dim(1), width = features.dim(2), channels = features.dim(3);
  std::vector<double> weights(static_cast<std::size_t>(channels));
  for (std::size_t i = 0; i < gradient.size(); ++i)
    weights[i % weights.size()] += static_cast<double>(gradient[i]);
  PictureMap map{.name = "Grad-CAM",
                 .about = "the last feature maps, each weighed by the gradient of the class",
                 .height = height,
                 .width = width};
  for (std::int64_t place = 0; place < height * width; ++place) {
    double sum = 0;
    for (std::int64_t c = 0; c < channels; ++c)
      sum += weights[static_cast<std::size_t>(c)] *
             static_cast<double>(values[static_cast<std::size_t>(place * channels + c)]);
    map.values.push_back(static_cast<float>(sum));
  }
  return scaled(std::move(map));
}

std::int64_t tokens_in_front(const model::VisionTransformerConfig& config) {
  return (config.pooling == model::PatchPooling::token ? 1 : 0) + (config.distillation ? 1 : 0);
}

// The product over the layers of half the attention and half of what passes by: what the class is read from
// has of each patch.
std::vector<float> rollout(const AttentionWatcher& seen, const model::VisionTransformerConfig& config) {
  const std::int64_t front = tokens_in_front(config), length = config.patches() + front;
  // A distillation token's head has half of the answer.
  const double share = config.distillation ? 0.5 : 1;
  std::vector<double> part(static_cast<std::size_t>(length));
  if (config.pooling == model::PatchPooling::token)
    part[0] = share;
  else
    std::fill(part.begin() + front, part.end(), share / static_cast<double>(config.patches()));
  if (config.distillation) part[static_cast<std::size_t>(front - 1)] = 0.5;
  // From the last layer to the first: row vectors times matrices.
  for (auto layer = seen.weights().rbegin(); layer != seen.weights().rend(); ++layer) {
    const auto weights = layer->second.to_vector<float>();
    const std::int64_t heads = layer->second.dim(1);
    std::vector<double> before(part.size());
    for (std::int64_t head = 0; head < heads; ++head)
      for (std::int64_t q = 0; q < length; ++q)
        for (std::int64_t k = 0; k < length; ++k)
          before[static_cast<std::size_t>(k)] +=
              0.5 * part[static_cast<std::size_t>(q)] *
              static_cast<double>(weights[static_cast<std::size_t>((head * length + q) * length + k)]) /
              static_cast<double>(heads);
    for (std::size_t i = 0; i < part.size(); ++i) part[i] = before[i] + 0.5 * part[i];
  }
  return {part.begin() + front, part.end()};
}

void add_attention(std::vector<PictureMap>& maps, const model::VisionTransformer& model,
                   const AttentionWatcher& seen) {
  const model::VisionTransformerConfig& config = model.config();
  const std::int64_t rows = config.height / config.patch, columns = config.width / config.patch,
                     skipped = tokens_in_front(config);
  const auto add = [&](std::string name, std::string about, std::vector<float> values) {
    maps.push_back(scaled({.name = std::move(name),
                           .about = std::move(about),
                           .height = rows,
                           .width = columns,
                           .values = std::move(values)}));
  };
  if (seen.weights().empty()) return;
  add("Rollout", "the part of each patch in what the class is read from, through all layers",
      rollout(seen, config));
  for (const auto& [layer, weights] : seen.weights())
    add(fmt::format("Layer {}", layer), "the attention that each patch gets, the mean over heads",
        received(weights, 0, weights.dim(1), skipped));
  const auto& [last, weights] = *seen.weights().rbegin();
  for (std::int64_t head = 0; head < weights.dim(1); ++head)
    add(fmt::format("Layer {}, head {}", last, head), "the attention that each patch gets",
        received(weights, head, head + 1, skipped));
}

void add_blocks(std::vector<PictureMap>& maps, const Tensor& picture, const AttentionWatcher& seen) {
  for (const auto& [layer, gates] : seen.gates())
    if (gates.places.defined())
      maps.push_back({.name = fmt::format("Block {}", layer),
                      .about = gates.channels.defined() ? "what CBAM multiplies each place by"
                                                        : "how strongly focal modulation changes each place",
                      .height = gates.places.dim(1),
                      .width = gates.places.dim(2),
                      .values = gates.places.to_vector<float>()});
  for (const auto& [layer, weights] : seen.weights()) {
    // Stages halve both sides: the places of a block have the proportions of the picture.
    std::int64_t height = picture.dim(1), width = picture.dim(2);
    while (height * width > weights.dim(3)) {
      height = (height + 1) / 2;
      width = (width + 1) / 2;
    }
    maps.push_back(scaled({.name = fmt::format("Block {}", layer),
                           .about = "the attention that each place gets, the mean over heads",
                           .height = height,
                           .width = width,
                           .values = received(weights, 0, weights.dim(1), 0)}));
  }
}

}  // namespace

std::vector<PictureMap> places_that_count(const model::ImageClassifier& model, const Tensor& picture,
                                          std::int64_t label) {
  AttentionWatcher seen;
  {
    const autograd::NoGrad no_grad;
    nn::Run run;
    run.observer = &seen;
    model.logits(picture, run);
  }
  std::vector<PictureMap> maps;
  if (const auto* cnn = dynamic_cast<const model::ResidualCnn*>(&model); cnn != nullptr) {
    maps.push_back(grad_cam(*cnn, picture, label));
    add_blocks(maps, picture, seen);
    place_in_picture(maps, seen.theta(), picture.dim(1), picture.dim(2));
    maps.insert(maps.begin() + 1, occlusion(model, picture, label));
  } else {
    maps.push_back(occlusion(model, picture, label));
    if (const auto* vit = dynamic_cast<const model::VisionTransformer*>(&model); vit != nullptr)
      add_attention(maps, *vit, seen);
  }
  return maps;
}

}  // namespace attend::task
