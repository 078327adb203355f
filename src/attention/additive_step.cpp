#include "attend/autograd/tape.h"
#include "attend/base/parallel.h"
#include "attend/op/cast.h"
#include "attend/op/shape.h"
#include "attention/additive.h"
#include "attention/kernel_work.h"
#include "attention/learned.h"
#include "attention/mask_table.h"
#include "attention/steps.h"
#include "backend/kernels.h"
#include "op/column_sum.h"

namespace attend::attention {

namespace {

using backend::AdditiveStepKernels;

constexpr std::int64_t kRowsOfAChunk = 8;

/// What a pass reads; all off the tape.
struct Operands {
  Tensor query, key, value, vector;
  std::shared_ptr<const MaskTable> mask;

  template <class Work>
  void fill(Work& work) const {
    work.dtype = key.dtype();
    work.batch = key.dim(0);
    work.keys = key.dim(1);
    work.heads = key.dim(2);
    work.dim = key.dim(3);
    work.value_dim = value.dim(3);
    if (mask != nullptr) work.place = mask->view();
    work.query = query.raw();
    work.vector = vector.raw();
    work.key = operand(key);
    work.value = operand(value);
  }
};

autograd::Tensors gradients_of(const Operands& x, const Tensor& weights, const Tensor& gradient) {
  const Tensor dy = gradient.is_contiguous() ? gradient : gradient.clone();
  const Tensor score_gradients = Tensor::empty(weights.shape(), weights.dtype());
  const Tensor of_vector = Tensor::empty({x.key.dim(0), x.vector.elements()}, x.vector.dtype());
  autograd::Tensors result = {Tensor::empty(x.query.shape(), x.query.dtype()),
                              Tensor::empty(x.key.shape(), x.key.dtype()),
                              Tensor::empty(x.value.shape(), x.value.dtype()), Tensor()};
  AdditiveStepKernels::Backward work;
  x.fill(work);
  work.weights = weights.raw();
  work.output_gradient = dy.raw();
  work.score_gradients = score_gradients.raw();
  work.query_gradient = result[0].raw();
  work.key_gradient = result[1].raw();
  work.value_gradient = result[2].raw();
  work.vector_gradient = of_vector.raw();
  parallel_for(x.key.dim(0), kRowsOfAChunk, [&](std::int64_t begin, std::int64_t end) {
    backend::kernels().additive_step.backward(work, begin, end);
  });
  const Tensor sum = op::column_sum(of_vector);
  result[3] = sum.view_as(x.vector.shape(), x.vector.strides());
  return result;
}

}  // namespace

bool is_additive_step(const Tensor& query, const Tensor& key, const AttentionSpec& spec, const Run& run) {
  return spec.score.kind == Score::Kind::additive && run.keys_are_prepared && query.dim(1) == 1 &&
         query.dim(2) == key.dim(2) && run.parameters.vector.defined() &&
         run.parameters.vector.shape() == Shape{key.dim(2), key.dim(3)} &&
         spec.weigh.kind == Weigh::Kind::softmax && spec.weigh.temperature == 1 && !spec.weigh.sink &&
         !(run.training && spec.weigh.dropout > 0) && spec.score.soft_cap == 0 &&
         spec.score.function == nullptr && !depends_on_places(spec.place);
}

Tensor additive_step(const Tensor& query, const Tensor& key, const Tensor& value, const Run& run) {
  const DType wide = sum_dtype(key.dtype());
  const std::int64_t heads = key.dim(2), hidden = key.dim(3);
  const Tensor vector = op::contiguous(additive_vector(run, heads, wide));
  const Tensor units = projected_by_head(
      op::cast(query, wide),
      learned(run.parameters.query_weight, "query_weight", {heads, hidden, query.dim(3)}, wide));
  const Operands x = {units.detach(), key.detach(), value.detach(), vector.detach(),
                      MaskTable::of({}, run, key.dim(0), 1, key.dim(1))};
  const Tensor output = Tensor::empty({key.dim(0), 1, heads, value.dim(3)}, key.dtype());
  const Tensor weights = Tensor::empty({key.dim(0), heads, key.dim(1)}, wide);
  AdditiveStepKernels::Forward work;
  x.fill(work);
  work.weights = weights.raw();
  work.output = output.raw();
  parallel_for(key.dim(0), kRowsOfAChunk, [&](std::int64_t begin, std::int64_t end) {
    backend::kernels().additive_step.forward(work, begin, end);
  });
  const autograd::Tensors inputs = {units, key, value, vector};
  if (autograd::is_recording(inputs))
    autograd::record("attend", inputs, {output}, [x, weights](const autograd::Tensors& cotangents) {
      return gradients_of(x, weights, cotangents[0]);
    });
  return output;
}

}  // namespace attend::attention
