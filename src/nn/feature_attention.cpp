#include "attend/nn/feature_attention.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/nn/convolution.h"
#include "attend/nn/linear.h"
#include "attend/nn/multi_head_attention.h"
#include "attend/op/activation.h"
#include "attend/op/arithmetic.h"
#include "attend/op/reduce.h"
#include "attend/op/shape.h"
#include "nn/feature_attention_kinds.h"
#include "nn/gates.h"

namespace attend::nn {

namespace {

constexpr std::array<std::pair<FeatureAttentionKind, std::string_view>, 7> kNames{
    {{FeatureAttentionKind::none, "none"},
     {FeatureAttentionKind::squeeze_excitation, "se"},
     {FeatureAttentionKind::efficient_channel, "eca"},
     {FeatureAttentionKind::cbam, "cbam"},
     {FeatureAttentionKind::self, "self"},
     {FeatureAttentionKind::windows, "windows"},
     {FeatureAttentionKind::focal, "focal"}}};

Tensor sigmoid(const Tensor& x) {
  return op::activate(x, Activation::sigmoid);
}

// The two layers of squeeze-and-excitation, before the logistic function: [batch, channels] to the same.
class Excitation : public Module {
 public:
  Excitation(std::int64_t channels, std::int64_t reduction, Generator& random)
      : inner_(std::max<std::int64_t>(4, channels / std::max<std::int64_t>(1, reduction))),
        squeeze_(channels, inner_, {.initialisation_std = std::sqrt(2 / static_cast<double>(channels))},
                 random),
        excite_(inner_, channels, {.initialisation_std = std::sqrt(1 / static_cast<double>(inner_))},
                random) {
    add_child("squeeze", squeeze_);
    add_child("excite", excite_);
  }

  Tensor forward(const Tensor& of_channels) const {
    return excite_.forward(op::activate(squeeze_.forward(of_channels), Activation::relu));
  }

 private:
  std::int64_t inner_;
  Linear squeeze_, excite_;
};

Tensor mean_over_places(const Tensor& x) {
  return op::mean(x, {.axes = {1, 2}});
}

// x weighed by a gate [batch, channels].
Tensor weighed_channels(const Tensor& x, const Tensor& gate) {
  return op::multiply(x, op::reshape(gate, {x.dim(0), 1, 1, x.dim(3)}));
}

class SqueezeExcitation : public FeatureAttention {
 public:
  SqueezeExcitation(std::int64_t channels, const FeatureAttentionOptions& options, Generator& random)
      : channels_(channels), excitation_(channels, options.reduction, random) {
    add_child("excitation", excitation_);
  }

  Tensor forward(const Tensor& x, const Run& run, std::int64_t layer) const override {
    check_maps(x, channels_);
    const Tensor gate = sigmoid(excitation_.forward(mean_over_places(x)));
    if (is_observed(run, layer))
      run.observer->observe_gates(layer, {.channels = for_observer(gate, gate.shape()), .places = {}});
    return weighed_channels(x, gate);
  }

 private:
  std::int64_t channels_;
  Excitation excitation_;
};

class EfficientChannelAttention : public FeatureAttention {
 public:
  EfficientChannelAttention(std::int64_t channels, Generator& random)
      : channels_(channels),
        along_channels_(1, 1,
                        {.kernel = {1, width_for(channels)},
                         .geometry = {.padding = {0, width_for(channels) / 2}},
                         .bias = false},
                        random) {
    add_child("along_channels", along_channels_);
  }

  Tensor forward(const Tensor& x, const Run& run, std::int64_t layer) const override {
    check_maps(x, channels_);
    const std::int64_t batch = x.dim(0);
    const Tensor line = op::reshape(mean_over_places(x), {batch, 1, channels_, 1});
    const Tensor gate = op::reshape(sigmoid(along_channels_.forward(line)), {batch, channels_});
    if (is_observed(run, layer))
      run.observer->observe_gates(layer, {.channels = for_observer(gate, gate.shape()), .places = {}});
    return weighed_channels(x, gate);
  }

 private:
  static std::int64_t width_for(std::int64_t channels) {
    const auto width = static_cast<std::int64_t>((std::log2(static_cast<double>(channels)) + 1) / 2);
    return width % 2 == 1 ? width : width + 1;
  }

  std::int64_t channels_;
  Convolution along_channels_;
};

class Cbam : public FeatureAttention {
 public:
  Cbam(std::int64_t channels, const FeatureAttentionOptions& options, Generator& random)
      : channels_(channels),
        excitation_(channels, options.reduction, random),
        over_places_(2, 1, {.kernel = 7, .geometry = {.padding = 3}}, random) {
    add_child("excitation", excitation_);
    add_child("over_places", over_places_);
  }

  Tensor forward(const Tensor& x, const Run& run, std::int64_t layer) const override {
    check_maps(x, channels_);
    const Tensor channels = sigmoid(op::add(excitation_.forward(mean_over_places(x)),
                                            excitation_.forward(op::maximum(x, {.axes = {1, 2}}))));
    const Tensor weighed = weighed_channels(x, channels);
    const Tensor seen = op::concatenate({op::mean(weighed, {.axes = {3}, .keep_axes = true}),
                                         op::maximum(weighed, {.axes = {3}, .keep_axes = true})},
                                        3);
    const Tensor places = sigmoid(over_places_.forward(seen));
    if (is_observed(run, layer))
      run.observer->observe_gates(layer, {.channels = for_observer(channels, channels.shape()),
                                          .places = for_observer(places, {x.dim(0), x.dim(1), x.dim(2)})});
    return op::multiply(weighed, places);
  }

 private:
  std::int64_t channels_;
  Excitation excitation_;
  Convolution over_places_;
};

class SelfAttention : public FeatureAttention {
 public:
  SelfAttention(std::int64_t channels, const FeatureAttentionOptions& options, Generator& random)
      : channels_(channels),
        attention_(channels,
                   {.heads = heads_for(channels, options.head_channels),
                    .initialisation_std = std::sqrt(1 / static_cast<double>(channels)),
                    .output_std = 0},
                   random) {
    add_child("attention", attention_);
  }

  Tensor forward(const Tensor& x, const Run& run, std::int64_t layer) const override {
    check_maps(x, channels_);
    const Tensor places = op::reshape(x, {x.dim(0), x.dim(1) * x.dim(2), x.dim(3)});
    attention::Run attention_run;
    attention_run.observer = run.observer;
    attention_run.layer = layer;
    return op::add(x, op::reshape(attention_.forward(places, attention_run), x.shape()));
  }

 private:
  std::int64_t channels_;
  MultiHeadAttention attention_;
};

}  // namespace

void check_maps(const Tensor& x, std::int64_t channels) {
  if (!x.defined() || x.rank() != 4 || x.elements() == 0 || x.dim(3) != channels)
    throw Error(fmt::format("attention over feature maps {}: [batch, height, width, {}] needed",
                            x.defined() ? x.text() : "undefined", channels));
}

std::int64_t heads_for(std::int64_t channels, std::int64_t head_channels) {
  std::int64_t heads = std::max<std::int64_t>(1, channels / std::max<std::int64_t>(1, head_channels));
  while (channels % heads != 0) --heads;
  while (channels % heads != 0 || channels / heads > 256) ++heads;  // more features a head are impossible
  return heads;
}

std::string_view name_of(FeatureAttentionKind kind) {
  return kNames[static_cast<std::size_t>(kind)].second;
}

FeatureAttentionKind feature_attention_from_name(std::string_view name) {
  std::string known;
  for (const auto& [kind, text] : kNames) {
    if (text == name) return kind;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", text);
  }
  throw Error(fmt::format("unknown attention over feature maps '{}': there are {}", name, known));
}

std::unique_ptr<FeatureAttention> make_feature_attention(FeatureAttentionKind kind, std::int64_t channels,
                                                         const FeatureAttentionOptions& options,
                                                         Generator& random) {
  if (channels < 1) throw Error(fmt::format("attention over {} channels: at least 1 needed", channels));
  switch (kind) {
    case FeatureAttentionKind::squeeze_excitation:
      return std::make_unique<SqueezeExcitation>(channels, options, random);
    case FeatureAttentionKind::efficient_channel:
      return std::make_unique<EfficientChannelAttention>(channels, random);
    case FeatureAttentionKind::cbam:
      return std::make_unique<Cbam>(channels, options, random);
    case FeatureAttentionKind::self:
      return std::make_unique<SelfAttention>(channels, options, random);
    case FeatureAttentionKind::windows:
      return make_window_attention(channels, options, random);
    case FeatureAttentionKind::focal:
      return make_focal_modulation(channels, random);
    case FeatureAttentionKind::none:
      break;
  }
  return nullptr;
}

}  // namespace attend::nn
