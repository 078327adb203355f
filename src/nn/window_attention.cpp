#include <cmath>
#include <vector>

#include "attend/attention/statistics.h"
#include "attend/nn/multi_head_attention.h"
#include "attend/op/arithmetic.h"
#include "attend/op/gather.h"
#include "attend/op/shape.h"
#include "nn/feature_attention_kinds.h"

namespace attend::nn {

namespace {

// How maps of one size are cut into windows. Those at the edge may reach over it.
class Windows {
 public:
  Windows(std::int64_t height, std::int64_t width, std::int64_t side, bool shifted)
      : places_(height * width), side_(side) {
    // A map of one window has nothing to shift.
    const std::int64_t up = shifted && height > side ? side / 2 : 0,
                       left = shifted && width > side ? side / 2 : 0;
    std::vector<std::int64_t> back(static_cast<std::size_t>(places_));
    for (std::int64_t top = -up; top < height; top += side)
      for (std::int64_t first = -left; first < width; first += side)
        for (std::int64_t y = top; y < top + side; ++y)
          for (std::int64_t x = first; x < first + side; ++x) {
            const bool inside = y >= 0 && y < height && x >= 0 && x < width;
            const std::int64_t place = inside ? y * width + x : 0;
            if (inside) back[static_cast<std::size_t>(place)] = static_cast<std::int64_t>(from_.size());
            from_.push_back(place);
            inside_.push_back(inside);
          }
    into_ = Tensor::from(from_, {1, static_cast<std::int64_t>(from_.size()), 1});
    back_ = Tensor::from(back, {1, places_, 1});
  }

  std::int64_t count() const { return static_cast<std::int64_t>(from_.size()) / (side_ * side_); }

  // [batch, places, channels] to [batch count, side^2, channels]; beyond the edge stands any place.
  Tensor cut(const Tensor& x) const {
    return op::reshape(op::gather(x, 1, into_), {x.dim(0) * count(), side_ * side_, x.dim(2)});
  }
  Tensor joined(const Tensor& windows) const {
    const std::int64_t batch = windows.dim(0) / count();
    return op::gather(op::reshape(windows, {batch, count() * side_ * side_, windows.dim(2)}), 1, back_);
  }

  // What is beyond the edge belongs to another document than what is not: i32 [batch count, side^2].
  // Undefined where nothing is.
  Tensor documents(std::int64_t batch) const {
    if (static_cast<std::int64_t>(from_.size()) == places_) return {};
    std::vector<std::int32_t> ids;
    for (std::int64_t b = 0; b < batch; ++b)
      for (const bool inside : inside_) ids.push_back(inside ? 0 : -1);
    return Tensor::from(ids, {batch * count(), side_ * side_});
  }

  // [batch count, heads, side^2, side^2] to [batch, heads, places, places].
  Tensor weights_of_all(const Tensor& weights) const {
    const std::int64_t batch = weights.dim(0) / count(), heads = weights.dim(1), cells = side_ * side_;
    const Tensor all = Tensor::zeros({batch, heads, places_, places_});
    const float* values = weights.data<float>();
    for (std::int64_t b = 0; b < batch; ++b)
      for (std::int64_t w = 0; w < count(); ++w)
        for (std::int64_t h = 0; h < heads; ++h)
          for (std::int64_t i = w * cells; i < (w + 1) * cells; ++i)
            for (std::int64_t j = w * cells; j < (w + 1) * cells; ++j, ++values) {
              const auto query = static_cast<std::size_t>(i), key = static_cast<std::size_t>(j);
              if (inside_[query] && inside_[key])
                all.data<float>()[((b * heads + h) * places_ + from_[query]) * places_ + from_[key]] =
                    *values;
            }
    return all;
  }

 private:
  std::int64_t places_, side_;
  std::vector<std::int64_t> from_;  // the place of each cell of each window
  std::vector<bool> inside_;
  Tensor into_, back_;
};

// Tells an observer of pictures what attention computed for windows.
class WindowObserver : public attention::Observer {
 public:
  WindowObserver(attention::Observer& observer, const Windows& windows)
      : observer_(observer), windows_(windows) {}

  bool wants(std::int64_t layer) override {
    wants_weights_ = observer_.wants(layer);
    statistics_ = observer_.wants_statistics(layer);
    return wants_weights_ || statistics_.has_value();
  }
  void observe(std::int64_t layer, const Tensor& weights) override {
    const Tensor all = windows_.weights_of_all(weights);
    if (wants_weights_) observer_.observe(layer, all);
    if (statistics_) observer_.observe_statistics(layer, attention::statistics_of(all, *statistics_));
  }

 private:
  attention::Observer& observer_;
  const Windows& windows_;
  bool wants_weights_ = false;
  std::optional<attention::StatisticsOptions> statistics_;
};

class WindowAttention : public FeatureAttention {
 public:
  WindowAttention(std::int64_t channels, const FeatureAttentionOptions& options, Generator& random)
      : channels_(channels),
        side_(std::max<std::int64_t>(1, options.window)),
        shifted_(options.shifted),
        attention_(channels, attention_options(channels, options), random) {
    add_child("attention", attention_);
  }

  Tensor forward(const Tensor& x, const Run& run, std::int64_t layer) const override {
    check_maps(x, channels_);
    const std::int64_t batch = x.dim(0), height = x.dim(1), width = x.dim(2);
    const Windows windows(height, width, side_, shifted_);
    attention::Run attention_run;
    attention_run.layer = layer;
    attention_run.documents = windows.documents(batch);
    std::optional<WindowObserver> observer;
    if (run.observer != nullptr) attention_run.observer = &observer.emplace(*run.observer, windows);
    const Tensor seen =
        attention_.forward(windows.cut(op::reshape(x, {batch, height * width, channels_})), attention_run);
    return op::add(x, op::reshape(windows.joined(seen), x.shape()));
  }

 private:
  static MultiHeadAttentionOptions attention_options(std::int64_t channels,
                                                     const FeatureAttentionOptions& options) {
    MultiHeadAttentionOptions result;
    result.heads = heads_for(channels, options.head_channels);
    result.attention.place.positions = attention::Place::Positions::grid;
    result.attention.place.grid_rows = result.attention.place.grid_columns =
        std::max<std::int64_t>(1, options.window);
    result.initialisation_std = std::sqrt(1 / static_cast<double>(channels));
    result.output_std = 0;
    return result;
  }

  std::int64_t channels_, side_;
  bool shifted_;
  MultiHeadAttention attention_;
};

}  // namespace

std::unique_ptr<FeatureAttention> make_window_attention(std::int64_t channels,
                                                        const FeatureAttentionOptions& options,
                                                        Generator& random) {
  return std::make_unique<WindowAttention>(channels, options, random);
}

}  // namespace attend::nn
