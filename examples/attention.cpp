#include <cstdio>
#include <vector>

#include "attend/attention/attend.h"
#include "attend/autograd/tape.h"

// Is told what attention looked at; the result is the same without it.
struct Printer : attend::attention::Observer {
  bool wants(std::int64_t) override { return true; }
  void observe(std::int64_t, const attend::Tensor& weights) override {
    for (const float w : weights.to_vector<float>()) std::printf("%.2f ", w);
  }
};

int main() {
  using attend::Tensor;
  // One text of three tokens, one head of dimension 2: [batch, length, heads, dimension].
  const Tensor query = Tensor::from(std::vector<float>{1, 0, 0, 1, 1, 1}, {1, 3, 1, 2});
  const Tensor key = Tensor::from(std::vector<float>{2, 0, 0, 2, -2, -2}, {1, 3, 1, 2});
  const Tensor value = Tensor::from(std::vector<float>{1, 2, 3, 4, 5, 6}, {1, 3, 1, 2});
  attend::autograd::set_requires_grad(query);

  attend::AttentionSpec spec;
  spec.place.mask = attend::attention::Place::Mask::causal;
  Printer printer;
  const Tensor output = attend::attention::attend(query, key, value, spec, {.observer = &printer});
  attend::autograd::backward(output, Tensor::full(output.shape(), 1));
  std::printf("\ngradient of the queries: %s\n", attend::autograd::grad(query).text().c_str());
}
