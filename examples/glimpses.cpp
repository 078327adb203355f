// A model that sees a picture by glimpses (Mnih et al., "Recurrent Models of Visual Attention", 2014). It
// knows how bright each of 36 tiles is, may look at two of them closely, one after the other, and tells what
// the one with stripes shows: bars across or upright, or one of two diagonals. Another tile is as bright and
// shows nothing. Where to look is drawn, so it has no gradient, and is learned by trial (REINFORCE).
#include <cstdint>
#include <cstdio>
#include <vector>

#include "attend/attend.h"

using attend::Tensor;
namespace op = attend::op;

constexpr std::int64_t kSide = 6, kTiles = kSide * kSide, kTilePixels = 16, kDim = 8, kWidth = 32,
                       kClasses = 4;
constexpr int kGlimpses = 2;

struct Pictures {
  std::vector<float> tiles;           // [batch, kTiles, kTilePixels]
  std::vector<float> brightness;      // [batch, kTiles, 1]
  std::vector<std::int32_t> classes;  // [batch]
  std::vector<std::size_t> target, blank;
};

bool is_bright(int kind, int x, int y) {
  switch (kind) {
    case 0:
      return y % 2 == 0;
    case 1:
      return x % 2 == 0;
    case 2:
      return (x + y) % 4 < 2;
    default:
      return (x + 4 - y) % 4 < 2;
  }
}

Pictures make_pictures(std::int64_t count, attend::Generator& random) {
  Pictures pictures;
  for (std::int64_t i = 0; i < count; ++i) {
    pictures.classes.push_back(static_cast<std::int32_t>(random.below(kClasses)));
    pictures.target.push_back(random.below(kTiles));
    pictures.blank.push_back((pictures.target.back() + 1 + random.below(kTiles - 1)) % kTiles);
    for (std::size_t tile = 0; tile < kTiles; ++tile) {
      double sum = 0;
      for (int pixel = 0; pixel < kTilePixels; ++pixel) {
        double value = 0.1 * random.uniform();
        if (tile == pictures.blank.back()) value += 0.5;
        if (tile == pictures.target.back() && is_bright(pictures.classes.back(), pixel % 4, pixel / 4))
          value += 1;
        pictures.tiles.push_back(static_cast<float>(value));
        sum += value;
      }
      pictures.brightness.push_back(static_cast<float>(sum / kTilePixels));
    }
  }
  return pictures;
}

// Remembers which tile each query of each glimpse looked at.
struct Looks : attend::attention::Observer {
  std::vector<std::vector<float>> weights;  // of each glimpse, [batch, kTiles]
  bool wants(std::int64_t) override { return true; }
  void observe(std::int64_t, const Tensor& seen) override { weights.push_back(seen.to_vector<float>()); }
};

class GlimpseModel : public attend::nn::Module {
 public:
  explicit GlimpseModel(attend::Generator& random)
      : key_(2, kDim, {}, random),
        query_(kWidth, kDim, {}, random),
        memory_(kTilePixels, kWidth, {.cell = op::RecurrentCell::gru}, random),
        head_(kWidth, kClasses, {}, random) {
    add_child("key", key_);
    add_child("query", query_);
    add_child("memory", memory_);
    add_child("head", head_);
  }

  // Scores [batch, kClasses] after the last glimpse.
  Tensor forward(const Pictures& pictures, attend::attention::Run run, attend::Generator& random) const {
    const auto batch = static_cast<std::int64_t>(pictures.classes.size());
    const Tensor brightness = Tensor::from(pictures.brightness, {batch, kTiles, 1});
    // What is seen of the tile that is looked at: its pixels, and which one it is.
    std::vector<float> places(kTiles * kTiles);
    for (std::size_t tile = 0; tile < kTiles; ++tile) places[tile * kTiles + tile] = 1;
    const Tensor value = op::reshape(
        op::concatenate({Tensor::from(pictures.tiles, {batch, kTiles, kTilePixels}),
                         op::expand(Tensor::from(places, {1, kTiles, kTiles}), {batch, kTiles, kTiles})},
                        2),
        {batch, kTiles, 1, kTilePixels + kTiles});
    attend::AttentionSpec spec;
    spec.weigh.kind = attend::attention::Weigh::Kind::reinforce;
    op::RecurrentState state{.hidden = Tensor::zeros({batch, kWidth})};
    Tensor looked = Tensor::zeros({batch, kTiles, 1});
    for (int i = 0; i < kGlimpses; ++i) {
      // Known of all tiles: how bright they are, and whether they were looked at.
      const Tensor key = op::reshape(key_.forward(op::concatenate({brightness, looked}, 2)),
                                     {batch, kTiles, 1, kDim}),
                   query = op::reshape(query_.forward(state.hidden), {batch, 1, 1, kDim});
      run.random = random.next();
      const Tensor seen = op::reshape(attend::attention::attend(query, key, value, spec, run),
                                      {1, batch, kTilePixels + kTiles});
      state = memory_.forward(op::slice(seen, 2, 0, kTilePixels), state).last;
      looked = op::add(
          looked, op::reshape(op::slice(seen, 2, kTilePixels, kTilePixels + kTiles), {batch, kTiles, 1}));
    }
    return head_.forward(state.hidden);
  }

 private:
  attend::nn::Linear key_, query_;
  attend::nn::Recurrent memory_;
  attend::nn::Linear head_;
};

// 1 for each picture whose class has the largest score.
std::vector<float> right_answers(const Tensor& scores, const Pictures& pictures) {
  const std::vector<float> values = scores.to_vector<float>();
  std::vector<float> right;
  for (std::size_t i = 0; i < pictures.classes.size(); ++i) {
    const float* of_picture = values.data() + i * kClasses;
    std::int32_t best = 0;
    for (std::int32_t c = 1; c < kClasses; ++c)
      if (of_picture[c] > of_picture[best]) best = c;
    right.push_back(best == pictures.classes[i] ? 1.0F : 0.0F);
  }
  return right;
}

int main() {
  attend::set_threads(1);  // so small a model gains nothing from more
  attend::Generator random(1);
  const GlimpseModel model(random);
  attend::train::AdamW optimizer(model.parameters());
  attend::attention::Baseline baseline;
  constexpr std::int64_t batch = 64;
  for (int step = 0; step < 300; ++step) {
    const Pictures pictures = make_pictures(batch, random);
    attend::attention::Draws draws;
    const Tensor scores = model.forward(pictures, {.training = true, .draws = &draws}, random);
    const Tensor reward = Tensor::from(right_answers(scores, pictures), {batch, 1, 1});
    Tensor loss = op::cross_entropy(scores, Tensor::from(pictures.classes, {batch}));
    for (const Tensor& log_probability : draws.log_probabilities)
      loss = op::add(loss, attend::attention::reinforce_loss(log_probability, reward, baseline.value()));
    baseline.update(reward);
    attend::autograd::backward(loss);
    optimizer.step(/*learning_rate=*/1e-2);
    for (const auto& parameter : optimizer.parameters()) attend::autograd::clear_grad(parameter.tensor);
  }

  const Pictures pictures = make_pictures(1000, random);
  Looks looks;
  const attend::autograd::NoGrad no_grad;
  const std::vector<float> right =
      right_answers(model.forward(pictures, {.observer = &looks}, random), pictures);
  double correct = 0, found = 0;
  for (std::size_t i = 0; i < right.size(); ++i) {
    correct += right[i];
    bool looked = false;
    for (const auto& weights : looks.weights)
      looked = looked || weights[i * kTiles + pictures.target[i]] == 1;
    found += looked ? 1 : 0;
  }
  std::printf(
      "the first pictures: 1 and 2 where it looked first and second, S the stripes, B the blank tile\n");
  for (std::size_t row = 0; row < kSide; ++row, std::printf("\n"))
    for (std::size_t i = 0; i < 4; ++i, std::printf("   "))
      for (std::size_t tile = row * kSide; tile < (row + 1) * kSide; ++tile)
        std::printf("%c%c",
                    tile == pictures.target[i]  ? 'S'
                    : tile == pictures.blank[i] ? 'B'
                                                : '.',
                    looks.weights[0][i * kTiles + tile] == 1   ? '1'
                    : looks.weights[1][i * kTiles + tile] == 1 ? '2'
                                                               : ' ');
  const auto count = static_cast<double>(right.size());
  std::printf("it looked at the stripes in %.3f of 1000 new pictures, and told them in %.3f\n", found / count,
              correct / count);
  return correct / count > 0.9 ? 0 : 1;
}
