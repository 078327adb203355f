// Trains a small GPT on a text of its own making, and lets it go on with a few words.
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "attend/attend.h"

using attend::Tensor;

int main() {
  std::string text;
  for (int i = 0; i < 300; ++i) text += "the cat sat on the mat and the dog sat on the log. ";
  const auto tokenizer = attend::data::train_tokenizer({.kind = "char"}, text);
  const std::vector<std::int32_t> tokens = tokenizer->encode(text);

  constexpr std::int64_t batch = 8, context = 32;
  const attend::model::Gpt gpt({.vocabulary = static_cast<std::int64_t>(tokenizer->size()),
                                .context = context,
                                .layers = 2,
                                .heads = 2,
                                .dim = 32},
                               /*seed=*/1);
  attend::train::AdamW optimizer(gpt.parameters());
  attend::Generator random(1);
  double loss = 0;
  for (int step = 0; step < 200; ++step) {
    std::vector<std::int32_t> inputs, targets;
    for (std::int64_t row = 0; row < batch; ++row) {
      const auto start = static_cast<std::ptrdiff_t>(random.below(tokens.size() - context - 1));
      inputs.insert(inputs.end(), tokens.begin() + start, tokens.begin() + start + context);
      targets.insert(targets.end(), tokens.begin() + start + 1, tokens.begin() + start + context + 1);
    }
    const Tensor mean =
        gpt.loss(Tensor::from(inputs, {batch, context}), Tensor::from(targets, {batch, context}),
                 {.training = true, .random = &random});
    attend::autograd::backward(mean);
    optimizer.step(/*learning_rate=*/3e-3);
    for (const auto& parameter : optimizer.parameters()) attend::autograd::clear_grad(parameter.tensor);
    loss = mean.item();
  }
  std::printf("loss after 200 steps: %.3f\n", loss);

  std::string written = "the dog ";
  auto cache = gpt.make_cache();
  std::vector<std::int32_t> next = tokenizer->encode(written);
  for (int i = 0; i < 20; ++i) {
    const auto scores =
        gpt.next_logits(Tensor::from(next, {1, static_cast<std::int64_t>(next.size())}), cache)
            .to_vector<float>();
    std::int32_t best = 0;
    for (std::size_t id = 0; id < scores.size(); ++id)
      if (scores[id] > scores[static_cast<std::size_t>(best)]) best = static_cast<std::int32_t>(id);
    next = {best};
    written += tokenizer->decode(next);
  }
  std::printf("%s\n", written.c_str());
  return loss < 0.5 ? 0 : 1;
}
