#include "attend/model/detection_transformer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "attend/base/error.h"
#include "attend/nn/cross_attention.h"
#include "attend/nn/feed_forward.h"
#include "attend/nn/initialise.h"
#include "attend/nn/multi_head_attention.h"
#include "attend/nn/plane_positions.h"
#include "attend/nn/spatially_modulated_attention.h"
#include "attend/op/activation.h"
#include "attend/op/cast.h"
#include "attend/op/operators.h"
#include "attend/op/shape.h"
#include "attend/op/softmax.h"
#include "model/box_coding.h"
#include "model/config_json.h"
#include "model/detection.h"
#include "model/feature_pyramid_fields.h"
#include "model/set_loss.h"
#include "nn/branch.h"
#include "op/chunk.h"

namespace attend::model {

namespace {

inline constexpr Choice<QueryAttention, 2> kQueryAttentionNames{
    {{{QueryAttention::modulated, "modulated"}, {QueryAttention::plain, "plain"}}}};

double of_fan_in(std::int64_t inputs) {
  return std::sqrt(1 / static_cast<double>(inputs));
}

std::unique_ptr<nn::Linear> linear(std::int64_t in, std::int64_t out, double std, Generator& random) {
  return std::make_unique<nn::Linear>(in, out, nn::LinearOptions{.initialisation_std = std}, random);
}

// f32 [count, 4], logits: centres spread evenly over the picture by the sequence of Roberts ("The
// Unreasonable Effectiveness of Quasirandom Sequences", 2018), sides of 0.3.
Tensor initial_boxes(std::int64_t count) {
  const auto logit = [](double p) { return static_cast<float>(std::log(p / (1 - p))); };
  const auto spread = [](std::int64_t i, double step) {
    const double place = 0.5 + static_cast<double>(i) * step;
    return 0.05 + 0.9 * (place - std::floor(place));
  };
  std::vector<float> values;
  for (std::int64_t i = 0; i < count; ++i)
    values.insert(values.end(), {logit(spread(i, 0.7548776662466927)), logit(spread(i, 0.5698402909980532)),
                                 logit(0.3), logit(0.3)});
  return Tensor::from(values, {count, 4});
}

// Sines and cosines of each number of boxes [..., 4] with 1 to 32 periods in the picture: [..., 2 dim].
Tensor sines_of(const Tensor& boxes, std::int64_t dim) {
  const std::vector<double> numbers = boxes.to_vector<double>();
  const std::int64_t frequencies = dim / 4;
  std::vector<double> result;
  result.reserve(numbers.size() * static_cast<std::size_t>(2 * frequencies));
  for (const double number : numbers)
    for (std::int64_t i = 0; i < frequencies; ++i) {
      const double angle = 2 * std::numbers::pi * number *
                           std::pow(32.0, static_cast<double>(i) / static_cast<double>(frequencies));
      result.insert(result.end(), {std::sin(angle), std::cos(angle)});
    }
  Shape shape = boxes.shape();
  shape.set(-1, 8 * frequencies);
  return op::cast(Tensor::from(result, shape), boxes.dtype());
}

nn::TransformerBlockOptions encoder_options(const DetectionTransformerConfig& config) {
  const double std = of_fan_in(config.pyramid.dim);
  nn::TransformerBlockOptions options;
  options.attention = {.heads = config.heads, .initialisation_std = std, .output_std = std / 2};
  options.feed_forward = {.inner = config.feed_forward,
                          .activation = nn::HiddenActivation::relu,
                          .initialisation_std = std,
                          .output_std = std / 2};
  options.dropout = config.dropout;
  return options;
}

}  // namespace

template <class Config, class Visit>
requires std::same_as<std::remove_const_t<Config>, DetectionTransformerConfig>
void for_each_field(Config& config, Visit&& visit) {
  for_each_field(config.pyramid, visit);
  visit("classes", config.classes, IntegerRange{1, 1 << 16});
  visit("queries", config.queries, IntegerRange{1, 1 << 16});
  visit("groups", config.groups, IntegerRange{1, 1 << 10});
  visit("encoder_layers", config.encoder_layers, IntegerRange{0, 1000});
  visit("decoder_layers", config.decoder_layers, IntegerRange{1, 1000});
  visit("heads", config.heads, IntegerRange{1, 4096});
  visit("feed_forward", config.feed_forward, IntegerRange{0, 1 << 20});
  visit("query_attention", config.query_attention, kQueryAttentionNames);
  visit("no_object_weight", config.no_object_weight, NumberRange{0, 1e6, true});
  visit("dropout", config.dropout, NumberRange{0, 1});
}

void validate(const DetectionTransformerConfig& config) {
  for_each_field(config, [](const char* key, auto value, const auto& range) { range.check(key, value); });
  validate(config.pyramid);
  const std::int64_t dim = config.pyramid.dim;
  check({.dim = dim, .heads = config.heads, .key_heads = 0, .positions = Positions::sinusoidal});
  if (dim % 4 != 0) throw Error(fmt::format("dim {}: a multiple of 4 needed for positions", dim));
}

std::string to_json(const DetectionTransformerConfig& config) {
  return json_of_config(config);
}

DetectionTransformerConfig detection_transformer_config_from_json(std::string_view text,
                                                                  std::string_view source) {
  return config_from_json<DetectionTransformerConfig>(text, source);
}

class DetectionTransformer::Layer : public nn::Module {
 public:
  Layer(const DetectionTransformerConfig& config, Generator& random)
      : dropout_(config.dropout),
        self_norm_(config.pyramid.dim),
        self_attention_(config.pyramid.dim, encoder_options(config).attention, random),
        cross_norm_(config.pyramid.dim),
        feed_forward_norm_(config.pyramid.dim),
        feed_forward_(config.pyramid.dim, encoder_options(config).feed_forward, random) {
    add_child("self_attention_norm", self_norm_);
    add_child("self_attention", self_attention_);
    add_child("cross_attention_norm", cross_norm_);
    add_child("feed_forward_norm", feed_forward_norm_);
    add_child("feed_forward", feed_forward_);
    const nn::MultiHeadAttentionOptions options = encoder_options(config).attention;
    if (config.query_attention == QueryAttention::modulated) {
      modulated_ = std::make_unique<nn::SpatiallyModulatedAttention>(
          config.pyramid.dim,
          nn::SpatiallyModulatedAttentionOptions{.heads = config.heads,
                                                 .initialisation_std = options.initialisation_std,
                                                 .output_std = options.output_std},
          random);
      add_child("cross_attention", *modulated_);
    } else {
      plain_ = std::make_unique<nn::CrossAttention>(config.pyramid.dim, options, random);
      add_child("cross_attention", *plain_);
    }
  }

  struct Input {
    Tensor positions, boxes;  ///< of the queries: [batch, queries, dim] and [batch, queries, 4]
    Tensor memory;            ///< [batch, height, width, dim]
    std::int64_t groups = 1;
    std::int64_t first_layer = 0;  ///< what the observer is told of the self-attention
  };

  /// x [batch, queries, dim] to the same shape.
  nn::Residual forward(nn::Residual x, const Input& input, const nn::Run& run) const {
    const nn::BranchOptions options{.training = run.training, .dropout = dropout_};
    const auto attention_run = [&](std::int64_t layer) {
      return attention::Run{.training = run.training, .observer = run.observer, .layer = layer};
    };
    const auto stream = [&] { return nn::dropout_stream(run, dropout_); };
    nn::add_branch(x, self_norm_, options, stream(), [&](const Tensor& normed) {
      const Shape shape = normed.shape();
      const Shape apart{shape[0] * input.groups, shape[1] / input.groups, shape[2]};
      const Tensor seen = op::reshape(normed + input.positions, apart);
      return op::reshape(self_attention_.forward(seen, attention_run(input.first_layer)), shape);
    });
    nn::add_branch(x, cross_norm_, options, stream(), [&](const Tensor& normed) {
      return look(normed, input, attention_run(input.first_layer + 1));
    });
    nn::add_branch(x, feed_forward_norm_, options, stream(),
                   [&](const Tensor& normed) { return feed_forward_.forward(normed); });
    return x;
  }

 private:
  Tensor look(const Tensor& x, const Input& input, const attention::Run& run) const {
    const Tensor& map = input.memory;
    if (modulated_ != nullptr)
      return modulated_->forward(x + input.positions, input.boxes, modulated_->project(map), run);
    const Tensor places = op::reshape(map, {map.dim(0), map.dim(1) * map.dim(2), map.dim(3)});
    return plain_->forward(x + input.positions, plain_->project(places), run);
  }

  double dropout_;
  nn::LayerNorm self_norm_;
  nn::MultiHeadAttention self_attention_;
  nn::LayerNorm cross_norm_;
  std::unique_ptr<nn::SpatiallyModulatedAttention> modulated_;
  std::unique_ptr<nn::CrossAttention> plain_;
  nn::LayerNorm feed_forward_norm_;
  nn::FeedForward feed_forward_;
};

DetectionTransformer::DetectionTransformer(const DetectionTransformerConfig& config, std::uint64_t seed)
    : config_(config) {
  validate(config);
  Generator random(seed);
  const std::int64_t dim = config.pyramid.dim;
  pyramid_ = std::make_unique<FeaturePyramid>(config.pyramid, random);
  add_child("pyramid", *pyramid_);
  for (std::int64_t i = 0; i < config.encoder_layers; ++i) {
    encoder_.push_back(std::make_unique<nn::TransformerBlock>(dim, encoder_options(config), random));
    add_child(fmt::format("encoder.{}", i), *encoder_.back());
  }
  encoder_norm_ = nn::make_norm(nn::NormKind::layer, dim);
  add_child("encoder_norm", *encoder_norm_);
  query_features_ = nn::normal({config.queries * config.groups, dim}, 0.02, random.next());
  add_parameter("query_features", query_features_, false);
  query_boxes_ = initial_boxes(config.queries * config.groups);
  add_parameter("query_boxes", query_boxes_, false);
  position_inner_ = linear(2 * dim, dim, of_fan_in(2 * dim), random);
  position_output_ = linear(dim, dim, of_fan_in(dim), random);
  add_child("query_positions.inner", *position_inner_);
  add_child("query_positions.output", *position_output_);
  for (std::int64_t i = 0; i < config.decoder_layers; ++i) {
    decoder_.push_back(std::make_unique<Layer>(config, random));
    add_child(fmt::format("decoder.{}", i), *decoder_.back());
  }
  decoder_norm_ = nn::make_norm(nn::NormKind::layer, dim);
  add_child("decoder_norm", *decoder_norm_);
  class_head_ = linear(dim, config.classes + 1, 0.02, random);
  box_inner_ = linear(dim, dim, of_fan_in(dim), random);
  box_output_ = linear(dim, 4, 0, random);
  add_child("class_head", *class_head_);
  add_child("box_head.inner", *box_inner_);
  add_child("box_head.output", *box_output_);
}

DetectionTransformer::~DetectionTransformer() = default;

DetectionTransformer::MapSize DetectionTransformer::memory_size(std::int64_t height,
                                                                std::int64_t width) const {
  const std::int64_t stride = pyramid_->strides().front();
  return {(height - 1) / stride + 1, (width - 1) / stride + 1};
}

Tensor DetectionTransformer::encoded(const Tensor& pictures, const nn::Run& run) const {
  check_pictures(pictures, config_.pyramid.channels);
  const DType weights = class_head_->weight().dtype(),
              compute = weights == DType::f32 ? run.compute : weights;
  const Tensor map = pyramid_->forward(op::cast(pictures, compute)).front();
  const std::int64_t batch = map.dim(0), places = map.dim(1) * map.dim(2), dim = map.dim(3);
  const Tensor positions = nn::sinusoidal_plane_positions(map.dim(1), map.dim(2), dim);
  nn::Residual x{op::reshape(map, {batch, places, dim}) + op::cast(positions, compute), {}};
  for (std::size_t i = 0; i < encoder_.size(); ++i) {
    const auto call = encoder_[i]->call(run, static_cast<std::int64_t>(i));
    x = run.recompute_blocks ? encoder_[i]->forward_recomputed(x, call)
                             : encoder_[i]->forward(std::move(x), call);
  }
  return op::reshape(encoder_norm_->forward(x), map.shape());
}

std::vector<DetectionTransformer::Prediction> DetectionTransformer::predict(const Tensor& pictures,
                                                                            std::int64_t groups,
                                                                            const nn::Run& run) const {
  if (groups < 1 || groups > config_.groups)
    throw Error(fmt::format("{} groups of queries: 1 to {} needed", groups, config_.groups));
  const Tensor memory = encoded(pictures, run);
  const DType compute = memory.dtype(), exact = op::parameter_dtype(compute);
  const std::int64_t batch = memory.dim(0), queries = groups * config_.queries, dim = memory.dim(3);
  const auto of_batch = [&](const Tensor& table, DType dtype) {
    return op::expand(
        op::reshape(op::cast(op::slice(table, 0, 0, queries), dtype), {1, queries, table.dim(1)}),
        {batch, queries, table.dim(1)});
  };
  nn::Residual x{op::contiguous(of_batch(query_features_, compute)), {}};
  Tensor box_logits = of_batch(query_boxes_, exact);
  std::vector<Prediction> predictions;
  for (std::size_t i = 0; i < decoder_.size(); ++i) {
    const Tensor boxes = op::activate(box_logits.detach(), Activation::sigmoid);
    const Tensor inner = position_inner_->forward(op::cast(sines_of(boxes, dim), compute));
    const Tensor positions = position_output_->forward(op::activate(inner, Activation::relu));
    const auto first_layer = config_.encoder_layers + 2 * static_cast<std::int64_t>(i);
    x = decoder_[i]->forward(std::move(x),
                             {.positions = positions,
                              .boxes = boxes,
                              .memory = memory,
                              .groups = groups,
                              .first_layer = first_layer},
                             run);
    // The stream goes on with its open branch: the norm of the heads must not close it for the next layer.
    nn::Residual copy = x;
    const Tensor features = decoder_norm_->forward(copy);
    const Tensor change = box_output_->forward(op::activate(box_inner_->forward(features), Activation::relu));
    // Only the first layer's prediction teaches the boxes that queries begin with.
    box_logits = (i == 0 ? box_logits : box_logits.detach()) + op::cast(change, exact);
    predictions.push_back({.logits = op::cast(class_head_->forward(features), exact),
                           .boxes = op::activate(box_logits, Activation::sigmoid)});
  }
  return predictions;
}

DetectionLoss DetectionTransformer::loss(const Tensor& pictures, const DetectionTargets& targets,
                                         const nn::Run& run) const {
  check_pictures(pictures, config_.pyramid.channels);
  check_targets(targets, pictures, config_.classes);
  const std::vector<Prediction> predictions = predict(pictures, run.training ? config_.groups : 1, run);
  const std::vector<SetObjects> objects =
      set_objects(targets, pictures.dim(1), pictures.dim(2), predictions.front().boxes.dtype());
  DetectionLossSum sum;
  for (const Prediction& prediction : predictions)
    add_set_loss(sum, prediction.logits, prediction.boxes, objects,
                 {.queries = config_.queries, .no_object_weight = config_.no_object_weight});
  return sum.result();
}

Detections DetectionTransformer::detect(const Tensor& pictures, const DetectOptions& options,
                                        const nn::Run& run) const {
  const autograd::NoGrad no_grad;
  check(options);
  const Prediction last = predict(pictures, 1, run).back();
  const std::vector<double> probabilities = op::softmax(last.logits).to_vector<double>();
  const std::vector<double> corners = corners_of(last.boxes).to_vector<double>();
  const std::int64_t height = pictures.dim(1), width = pictures.dim(2), classes = config_.classes;
  const auto w = static_cast<double>(width), h = static_cast<double>(height);
  Detections result;
  for (std::int64_t picture = 0; picture < pictures.dim(0); ++picture) {
    std::vector<data::DetectedBox> candidates;
    for (std::int64_t query = 0; query < config_.queries; ++query) {
      const std::int64_t row = picture * config_.queries + query;
      const double* p = probabilities.data() + row * (classes + 1);
      const double* c = corners.data() + row * 4;
      const double* best = std::max_element(p, p + classes);
      candidates.push_back({.box = {static_cast<float>(c[0] * w), static_cast<float>(c[1] * h),
                                    static_cast<float>(c[2] * w), static_cast<float>(c[3] * h), best - p},
                            .score = *best,
                            .query = query});
    }
    result.push_back(kept_detections(std::move(candidates), height, width, options));
  }
  return result;
}

}  // namespace attend::model
