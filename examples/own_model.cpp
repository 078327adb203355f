// A model of one's own: it reads eight digits, attends to them, and learns whether a nine is among them.
#include <cstdint>
#include <cstdio>
#include <vector>

#include "attend/attend.h"

using attend::Tensor;

class FindsNine : public attend::nn::Module {
 public:
  explicit FindsNine(attend::Generator& random)
      : embedding_(10, 16, {}, random), attention_(16, {.heads = 2}, random), head_(16, 2, {}, random) {
    add_child("embedding", embedding_);
    add_child("attention", attention_);
    add_child("head", head_);
  }

  // digits [batch, length], i32, to scores [batch, 2].
  Tensor forward(const Tensor& digits) const {
    const Tensor read = attention_.forward(embedding_.forward(digits));
    return head_.forward(attend::op::maximum(read, {.axes = {1}}));
  }

 private:
  attend::nn::Embedding embedding_;
  attend::nn::MultiHeadAttention attention_;
  attend::nn::Linear head_;
};

int main() {
  constexpr std::int64_t batch = 64, length = 8;
  attend::Generator random(1);
  const FindsNine model(random);
  attend::train::AdamW optimizer(model.parameters());
  int right = 0;
  for (int step = 0; step < 400; ++step) {
    std::vector<std::int32_t> digits, labels(batch, 0);
    for (std::int64_t i = 0; i < batch * length; ++i) {
      digits.push_back(static_cast<std::int32_t>(random.below(10)));
      if (digits.back() == 9) labels[static_cast<std::size_t>(i / length)] = 1;
    }
    const Tensor scores = model.forward(Tensor::from(digits, {batch, length}));
    attend::autograd::backward(attend::op::cross_entropy(scores, Tensor::from(labels, {batch})));
    optimizer.step(/*learning_rate=*/1e-2);
    for (const auto& parameter : optimizer.parameters()) attend::autograd::clear_grad(parameter.tensor);
    const auto values = scores.to_vector<float>();
    for (std::size_t i = 0; step >= 350 && i < labels.size(); ++i)
      right += static_cast<int>((values[2 * i + 1] > values[2 * i]) == (labels[i] == 1));
  }
  const double accuracy = right / (50.0 * batch);
  std::printf("accuracy on new digits: %.3f\n", accuracy);
  return accuracy > 0.95 ? 0 : 1;
}
