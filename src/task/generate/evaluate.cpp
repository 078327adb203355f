#include "task/generate/evaluate.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "attend/autograd/tape.h"
#include "attend/data/language_model.h"
#include "task/training_text.h"

namespace attend::task {

double mean_loss(const model::Gpt& gpt, const data::TokenView& tokens, const nn::Run& run) {
  const autograd::NoGrad guard;
  constexpr std::int64_t kTokensAtOnce = 4096;
  const std::int64_t context = gpt.config().context;
  const data::ConsecutiveWindows windows(
      tokens, {.batch = std::max<std::int64_t>(1, kTokensAtOnce / context), .context = context});
  nn::Run quiet = run;
  quiet.training = false;
  double sum = 0;
  for (std::int64_t i = 0; i < windows.size(); ++i) {
    const data::TokenBatch batch = windows.batch(i);
    const Shape shape = {batch.batch, batch.context};
    const Tensor loss =
        gpt.loss(Tensor::from(batch.inputs, shape), Tensor::from(batch.targets, shape), quiet);
    sum += loss.item() * static_cast<double>(batch.batch * batch.context);
  }
  return sum / static_cast<double>(windows.targets());
}

Evaluation evaluation_of(double loss, const data::TokenView& tokens, const data::Tokenizer& tokenizer) {
  Evaluation result;
  result.loss = loss;
  result.perplexity = std::exp(loss);
  result.tokens = tokens.size() - 1;
  result.characters = count_characters(tokens, characters_of_tokens(tokenizer), 1);
  if (result.characters > 0)
    result.bits_per_character = loss * static_cast<double>(result.tokens) /
                                (std::numbers::ln2 * static_cast<double>(result.characters));
  return result;
}

}  // namespace attend::task
