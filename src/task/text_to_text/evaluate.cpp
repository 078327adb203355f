#include "task/text_to_text/evaluate.h"

#include "attend/autograd/tape.h"

namespace attend::task {

Tensor pair_loss(const model::EncoderDecoder& model, const PairBatch& batch, const nn::Run& run,
                 double label_smoothing) {
  const Shape target_shape = {batch.rows, batch.target_length};
  return model.loss(Tensor::from(batch.source, {batch.rows, batch.source_length}),
                    Tensor::from(batch.source_lengths, {batch.rows}),
                    Tensor::from(batch.inputs, target_shape), Tensor::from(batch.targets, target_shape), run,
                    {.ignored_target = -1, .label_smoothing = label_smoothing});
}

double mean_pair_loss(const model::EncoderDecoder& model, std::int64_t batches,
                      const std::function<PairBatch(std::int64_t)>& batch_of, const nn::Run& run) {
  const autograd::NoGrad guard;
  nn::Run quiet = run;
  quiet.training = false;
  double sum = 0;
  std::int64_t tokens = 0;
  for (std::int64_t i = 0; i < batches; ++i) {
    const PairBatch batch = batch_of(i);
    sum += pair_loss(model, batch, quiet).item() * static_cast<double>(batch.tokens);
    tokens += batch.tokens;
  }
  return sum / static_cast<double>(tokens);
}

}  // namespace attend::task
