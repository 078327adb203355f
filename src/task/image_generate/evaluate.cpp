#include "task/image_generate/evaluate.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "attend/autograd/tape.h"
#include "attend/data/augment.h"
#include "attend/model/residual_cnn.h"
#include "attend/nn/initialise.h"
#include "attend/op/reduce.h"
#include "task/image_classify/data.h"

namespace attend::task {

namespace {

constexpr std::size_t kAtOnce = 256;
constexpr std::uint64_t kNoiseSeed = 0x6e6f697365ull;

Tensor batch_of(std::span<const io::Image> pictures, const PictureClassifier& classifier) {
  const model::PictureShape shape = classifier.config().model.pictures();
  const Tensor batch =
      Tensor::empty({static_cast<std::int64_t>(pictures.size()), shape.height, shape.width, shape.channels});
  const std::int64_t values = shape.height * shape.width * shape.channels;
  for (std::size_t i = 0; i < pictures.size(); ++i)
    data::normalise_into(
        {batch.data<float>() + static_cast<std::int64_t>(i) * values, static_cast<std::size_t>(values)},
        fitted(pictures[i], shape), classifier.config().pixels);
  return batch;
}

void append_largest(std::vector<std::int64_t>& labels, const Tensor& logits) {
  const auto values = logits.to_vector<float>();
  const auto classes = static_cast<std::ptrdiff_t>(logits.dim(1));
  for (auto row = values.begin(); row != values.end(); row += classes)
    labels.push_back(std::max_element(row, row + classes) - row);
}

/// Sums over the pictures of a class.
struct Moments {
  std::vector<double> sum, squares;
  double count = 0;

  void add(const io::Image& picture) {
    sum.resize(picture.pixels.size());
    squares.resize(picture.pixels.size());
    for (std::size_t i = 0; i < picture.pixels.size(); ++i) {
      const auto value = static_cast<double>(picture.pixels[i]);
      sum[i] += value;
      squares[i] += value * value;
    }
    ++count;
  }
  double mean(std::size_t i) const { return sum[i] / count; }
  double deviation(std::size_t i) const {
    return std::sqrt(std::max(squares[i] / count - mean(i) * mean(i), 0.0));
  }
};

}  // namespace

Seen seen_by(const PictureClassifier& classifier, std::span<const io::Image> pictures) {
  const autograd::NoGrad no_grad;
  const auto* cnn = dynamic_cast<const model::ResidualCnn*>(&classifier.model());
  Seen seen;
  for (std::size_t first = 0; first < pictures.size(); first += kAtOnce) {
    const Tensor batch =
        batch_of(pictures.subspan(first, std::min(kAtOnce, pictures.size() - first)), classifier);
    if (cnn == nullptr) {
      append_largest(seen.labels, classifier.model().logits(batch));
      continue;
    }
    const Tensor maps = cnn->features(batch);
    append_largest(seen.labels, cnn->logits_of(maps));
    const auto means = op::mean(maps, {.axes = {1, 2}}).to_vector<float>();
    seen.features.insert(seen.features.end(), means.begin(), means.end());
  }
  return seen;
}

std::vector<io::Image> mean_and_noise(std::span<const io::Image> pictures,
                                      std::span<const std::int64_t> labels, std::uint64_t seed) {
  std::map<std::int64_t, Moments> classes;
  for (std::size_t i = 0; i < pictures.size(); ++i) classes[labels[i]].add(pictures[i]);
  std::vector<io::Image> made;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    const Moments& moments = classes.at(labels[i]);
    io::Image picture = pictures[i];
    const auto noise = nn::normal({static_cast<std::int64_t>(picture.pixels.size())}, 1,
                                  {.seed = seed ^ kNoiseSeed, .stream = i})
                           .to_vector<float>();
    for (std::size_t p = 0; p < noise.size(); ++p)
      picture.pixels[p] = static_cast<std::uint8_t>(std::clamp(
          std::round(moments.mean(p) + moments.deviation(p) * static_cast<double>(noise[p])), 0.0, 255.0));
    made.push_back(std::move(picture));
  }
  return made;
}

}  // namespace attend::task
