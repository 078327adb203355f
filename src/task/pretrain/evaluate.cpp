#include "task/pretrain/evaluate.h"

#include <algorithm>
#include <cmath>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"

namespace attend::task {

data::MaskOptions mask_options(const PretrainOptions& options) {
  return {.share = options.mask_share, .whole_words = options.mask_words};
}

data::ConsecutiveMaskedRows masked_rows(const data::TokenView& tokens, const data::Tokenizer& tokenizer,
                                        const PretrainOptions& options, std::int64_t context,
                                        std::uint64_t seed) {
  constexpr std::int64_t kTokensAtOnce = 4096;
  return {
      tokens, tokenizer,
      data::WindowOptions{.batch = std::max<std::int64_t>(1, kTokensAtOnce / context), .context = context},
      mask_options(options), seed};
}

namespace {

std::int64_t count_targets(const data::MaskedBatch& batch) {
  return std::ranges::count_if(batch.targets, [](std::int32_t id) { return id >= 0; });
}

}  // namespace

void require_targets(const data::ConsecutiveMaskedRows& rows) {
  for (std::int64_t i = 0; i < rows.size(); ++i)
    if (count_targets(rows.batch(i)) > 0) return;
  throw Error("none of the tokens to evaluate on was hidden: a longer text is needed");
}

MaskedEvaluation evaluation_of(const model::MaskedLanguageModel& model,
                               const data::ConsecutiveMaskedRows& rows, DType compute, std::int64_t most) {
  const autograd::NoGrad guard;
  const std::int64_t stride = most == 0 ? 1 : (rows.size() + most - 1) / most;
  MaskedEvaluation result;
  double sum = 0;
  for (std::int64_t i = 0; i < rows.size(); i += stride) {
    const data::MaskedBatch batch = rows.batch(i);
    const std::int64_t targets = count_targets(batch);
    result.tokens += batch.rows * (batch.length - 1);
    result.targets += targets;
    if (targets == 0) continue;
    const Shape shape = {batch.rows, batch.length};
    const Tensor loss = model.loss({.tokens = Tensor::from(batch.tokens, shape)},
                                   Tensor::from(batch.targets, shape), {.compute = compute});
    sum += loss.item() * static_cast<double>(targets);
  }
  result.loss = result.targets == 0 ? 0 : sum / static_cast<double>(result.targets);
  result.perplexity = std::exp(result.loss);
  return result;
}

}  // namespace attend::task
