#include "attention/kernel_work.h"

#include "attend/attention/score_function.h"

namespace attend::attention {

backend::HeadsOperand operand(const Tensor& tensor) {
  return {tensor.raw(), tensor.strides()[0], tensor.strides()[1], tensor.strides()[2]};
}

namespace {

void apply_function(const void* function, const backend::AttentionScoreBlock& b, void* scores,
                    bool is_double) {
  const auto& f = *static_cast<const ScoreFunction*>(function);
  const ScoreBlock block{b.batch,   b.head, b.first_query,  b.first_key,
                         b.queries, b.keys, b.query_stride, b.key_stride};
  if (is_double)
    f.apply(block, static_cast<double*>(scores));
  else
    f.apply(block, static_cast<float*>(scores));
}

void derive_function(const void* function, const backend::AttentionScoreBlock& b, const void* scores,
                     void* derivatives, bool is_double) {
  const auto& f = *static_cast<const ScoreFunction*>(function);
  const ScoreBlock block{b.batch,   b.head, b.first_query,  b.first_key,
                         b.queries, b.keys, b.query_stride, b.key_stride};
  if (is_double)
    f.derivative(block, static_cast<const double*>(scores), static_cast<double*>(derivatives));
  else
    f.derivative(block, static_cast<const float*>(scores), static_cast<float*>(derivatives));
}

const void* data_of(const Tensor& tensor) {
  return tensor.defined() ? tensor.raw() : nullptr;
}

}  // namespace

backend::AttentionShape shape_of(const Lowered& x) {
  return {
      .dtype = x.value.dtype(),
      .batch = x.query.dim(0),
      .heads = x.query.dim(2),
      .key_heads = x.key.dim(2),
      .queries = x.query.dim(1),
      .keys = x.key.dim(1),
      .dim = x.query.dim(3),
      .value_dim = x.value.dim(3),
      .scale = x.scale,
      .soft_cap = x.soft_cap,
      .temperature = x.temperature,
      .sigmoid = x.sigmoid,
      .sigmoid_bias = x.sigmoid_bias,
      .dropout = x.dropout,
      .seed = x.random.seed,
      .stream = x.random.stream,
      .place = x.mask == nullptr ? backend::AttentionPlace{} : x.mask->view(),
      .function = x.function == nullptr
                      ? backend::AttentionScoreFunction{}
                      : backend::AttentionScoreFunction{x.function.get(), apply_function, derive_function},
      .key_bias = data_of(x.key_bias),
      .distance_bias = data_of(x.distance_bias),
      .sink = data_of(x.sink),
      .vector = data_of(x.vector),
      .exponentials = x.exponentials};
}

DType sum_dtype(DType dtype) {
  return dtype == DType::f64 ? DType::f64 : DType::f32;
}

void* scratch(std::shared_ptr<Storage>& memory, std::size_t bytes) {
  if (memory == nullptr) memory = Storage::allocate(bytes);
  return memory->data();
}

}  // namespace attend::attention
