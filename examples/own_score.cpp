// A score of one's own, compiled into the fused kernel: bounded, and with a liking for the key three places
// back. A small model with it learns to repeat what stood there, although nothing else tells it about places.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "attend/attend.h"
#include "attend/attention/score_function.h"

using attend::Tensor;

// s' = 4 s / (1 + |s|) - 2 |query - key - 3|, and its derivative with respect to s.
const auto kThreeBack = attend::attention::score_function(
    [](auto s, const attend::attention::ScoreIndex& index) {
      const auto off = static_cast<decltype(s)>(index.query - index.key - 3);
      return 4 * s / (1 + (s < 0 ? -s : s)) - 2 * (off < 0 ? -off : off);
    },
    [](auto s) {
      const auto root = 1 + (s < 0 ? -s : s);
      return 4 / (root * root);
    });

class Repeats : public attend::nn::Module {
 public:
  Repeats(const attend::AttentionSpec& attention, attend::Generator& random)
      : embedding_(10, 16, {}, random),
        attention_(16, {.heads = 2, .attention = attention}, random),
        head_(16, 10, {}, random) {
    add_child("embedding", embedding_);
    add_child("attention", attention_);
    add_child("head", head_);
  }

  // digits [batch, length], i32, to scores [batch, length, 10].
  Tensor forward(const Tensor& digits) const {
    return head_.forward(attention_.forward(embedding_.forward(digits)));
  }

 private:
  attend::nn::Embedding embedding_;
  attend::nn::MultiHeadAttention attention_;
  attend::nn::Linear head_;
};

// Accuracy on new digits of a model that was trained with this attention.
double train(const attend::AttentionSpec& attention) {
  constexpr std::int64_t batch = 16, length = 16, steps = 150, counted = 10;
  attend::Generator random(1);
  const Repeats model(attention, random);
  attend::train::AdamW optimizer(model.parameters());
  std::int64_t right = 0;
  for (std::int64_t step = 0; step < steps; ++step) {
    std::vector<std::int32_t> digits, wanted;
    for (std::int64_t i = 0; i < batch * length; ++i) {
      digits.push_back(static_cast<std::int32_t>(random.below(10)));
      // The first three have nothing to repeat: the loss leaves negative labels out.
      wanted.push_back(i % length < 3 ? -1 : digits[static_cast<std::size_t>(i - 3)]);
    }
    const Tensor scores = model.forward(Tensor::from(digits, {batch, length}));
    attend::autograd::backward(
        attend::op::cross_entropy(scores, Tensor::from(wanted, {batch, length}), {.ignore_index = -1}));
    optimizer.step(/*learning_rate=*/1e-2);
    for (const auto& parameter : optimizer.parameters()) attend::autograd::clear_grad(parameter.tensor);
    const auto values = scores.to_vector<float>();
    for (std::size_t i = 0; step >= steps - counted && i < wanted.size(); ++i) {
      const auto first = values.begin() + static_cast<std::ptrdiff_t>(10 * i);
      right += static_cast<std::int64_t>(std::max_element(first, first + 10) - first == wanted[i]);
    }
  }
  return static_cast<double>(right) / static_cast<double>(counted * batch * (length - 3));
}

// The largest difference between the fused kernel and the definition, in the output and the gradient of the
// queries.
double difference(const attend::AttentionSpec& spec) {
  std::vector<float> results[2];
  const attend::Shape shape = {2, 100, 2, 32};  // batch, length, heads, elements of a head
  for (const bool fused : {true, false}) {
    const Tensor query = attend::nn::normal(shape, 1, {1, 0}), key = attend::nn::normal(shape, 1, {1, 1}),
                 value = attend::nn::normal(shape, 1, {1, 2});
    attend::autograd::set_requires_grad(query);
    const Tensor output = fused ? attend::attention::attend(query, key, value, spec)
                                : attend::attention::attend_composite(query, key, value, spec);
    attend::autograd::backward(output, attend::nn::normal(shape, 1, {1, 3}));
    std::vector<float>& all = results[fused ? 0 : 1];
    for (const Tensor& tensor : {output, attend::autograd::grad(query)})
      for (const float x : tensor.to_vector<float>()) all.push_back(x);
  }
  double largest = 0;
  for (std::size_t i = 0; i < results[0].size(); ++i)
    largest = std::max<double>(largest, std::abs(results[0][i] - results[1][i]));
  return largest;
}

int main() {
  attend::AttentionSpec plain, own;
  plain.place.mask = own.place.mask = attend::attention::Place::Mask::causal;
  own.score.function = kThreeBack;
  const double apart = difference(own), without = train(plain), with = train(own);
  std::printf("fused and composite differ by %.1e\n", apart);
  std::printf("accuracy with the plain score: %.3f, with the own score: %.3f\n", without, with);
  return apart < 1e-4 && with > 0.95 && without < 0.5 ? 0 : 1;
}
