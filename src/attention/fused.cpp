#include "attention/fused.h"

#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "attention/steps.h"
#include "backend/kernels.h"

namespace attend::attention {

namespace {

using backend::AttentionShape;
using backend::HeadsOperand;

constexpr std::int64_t kMaxDim = 256;

HeadsOperand operand(const Tensor& tensor) {
  return {tensor.raw(), tensor.strides()[0], tensor.strides()[1], tensor.strides()[2]};
}

AttentionShape shape_of(const Tensor& query, const Tensor& key, const Tensor& value,
                        const AttentionSpec& spec, const Run& run) {
  return {.dtype = query.dtype(),
          .batch = query.dim(0),
          .heads = query.dim(2),
          .key_heads = key.dim(2),
          .queries = query.dim(1),
          .keys = key.dim(1),
          .dim = query.dim(3),
          .value_dim = value.dim(3),
          .scale = score_scale(spec, query.dim(3)),
          .causal = spec.place.mask == Place::Mask::causal,
          .dropout = run.training ? spec.weigh.dropout : 0,
          .seed = run.random.seed,
          .stream = run.random.stream};
}

// Memory of one thread for as long as it works; the allocator keeps it for the next call.
void* scratch(std::shared_ptr<Storage>& memory, std::size_t bytes) {
  if (memory == nullptr) memory = Storage::allocate(bytes);
  return memory->data();
}

// Every head by itself, keys packed by the thread that uses them: nothing leaves its cache.
void forward_by_head(const backend::AttentionForward& work) {
  const auto& kernels = backend::kernels().attention;
  const AttentionShape& s = work.shape;
  const std::int64_t group = s.heads / s.key_heads;
  const std::int64_t blocks = (s.queries + kernels.query_block - 1) / kernels.query_block;
  const std::size_t packed_bytes = kernels.packed_bytes(s), scratch_bytes = kernels.forward_scratch_bytes(s);
  parallel_for(s.batch * s.key_heads, 1, [&](std::int64_t begin, std::int64_t end) {
    std::shared_ptr<Storage> packed, memory;
    for (std::int64_t unit = begin; unit < end; ++unit) {
      const std::int64_t batch = unit / s.key_heads, key_head = unit % s.key_heads;
      kernels.pack(work, batch, key_head, scratch(packed, packed_bytes), scratch(memory, scratch_bytes));
      for (std::int64_t i = 0; i < group; ++i)
        for (std::int64_t block = 0; block < blocks; ++block)
          kernels.forward_block(work, batch, key_head * group + i, block, packed->data(), memory->data());
    }
  });
}

// Few heads: all threads share the packed keys and each takes blocks of queries.
void forward_by_block(const backend::AttentionForward& work) {
  const auto& kernels = backend::kernels().attention;
  const AttentionShape& s = work.shape;
  const std::int64_t group = s.heads / s.key_heads, units = s.batch * s.key_heads;
  const std::int64_t blocks = (s.queries + kernels.query_block - 1) / kernels.query_block;
  const std::size_t packed_bytes = kernels.packed_bytes(s), scratch_bytes = kernels.forward_scratch_bytes(s);
  const auto packed = Storage::allocate(packed_bytes * static_cast<std::size_t>(units));
  const auto packed_unit = [&](std::int64_t unit) {
    return packed->data() + unit * static_cast<std::int64_t>(packed_bytes);
  };
  parallel_for(units, 1, [&](std::int64_t begin, std::int64_t end) {
    std::shared_ptr<Storage> memory;
    for (std::int64_t unit = begin; unit < end; ++unit)
      kernels.pack(work, unit / s.key_heads, unit % s.key_heads, packed_unit(unit),
                   scratch(memory, scratch_bytes));
  });
  parallel_for(s.batch * s.heads * blocks, 1, [&](std::int64_t begin, std::int64_t end) {
    std::shared_ptr<Storage> memory;
    for (std::int64_t i = begin; i < end; ++i) {
      // Causal blocks grow with their place: the longest first leaves no thread waiting for one at the end.
      const std::int64_t block = blocks - 1 - i / (s.batch * s.heads),
                         head_of_batch = i % (s.batch * s.heads);
      const std::int64_t batch = head_of_batch / s.heads, head = head_of_batch % s.heads;
      kernels.forward_block(work, batch, head, block, packed_unit(batch * s.key_heads + head / group),
                            scratch(memory, scratch_bytes));
    }
  });
}

}  // namespace

void check_operands(const Tensor& query, const Tensor& key, const Tensor& value, const AttentionSpec& spec) {
  const auto fail = [&](const std::string& why) {
    throw Error(fmt::format("attention of query {}, key {}, value {}: {}", query.text(), key.text(),
                            value.text(), why));
  };
  for (const Tensor* tensor : {&query, &key, &value}) {
    if (tensor->rank() != 4) fail("each is [batch, length, heads, d]");
    if (tensor->strides()[3] != 1 && tensor->dim(3) != 1) fail("the last stride must be 1");
    if (tensor->dtype() != query.dtype() || !is_floating(query.dtype()))
      fail("all are f32, all bf16 or all f64");
    if (tensor->dim(3) < 1 || tensor->dim(3) > kMaxDim) fail(fmt::format("d is 1 to {}", kMaxDim));
    if (tensor->dim(0) != query.dim(0)) fail("the batches differ");
  }
  if (key.dim(1) != value.dim(1) || key.dim(2) != value.dim(2))
    fail("keys and values differ in length or heads");
  if (key.dim(3) != query.dim(3)) fail("queries and keys differ in d");
  if (key.dim(2) < 1 || query.dim(2) % key.dim(2) != 0)
    fail("the query heads are a multiple of the key heads");
  if (!(spec.weigh.dropout >= 0 && spec.weigh.dropout < 1))
    fail(fmt::format("dropout {} is not in [0, 1)", spec.weigh.dropout));
}

FusedResult fused_forward(const Tensor& query, const Tensor& key, const Tensor& value,
                          const AttentionSpec& spec, const Run& run) {
  const Tensor output =
      Tensor::empty({query.dim(0), query.dim(1), query.dim(2), value.dim(3)}, query.dtype());
  const Tensor log_sum = Tensor::empty({query.dim(0), query.dim(2), query.dim(1)},
                                       query.dtype() == DType::f64 ? DType::f64 : DType::f32);
  const backend::AttentionForward work = {.shape = shape_of(query, key, value, spec, run),
                                          .query = operand(query),
                                          .key = operand(key),
                                          .value = operand(value),
                                          .output = operand(output),
                                          .log_sum = log_sum.raw()};
  // Both ways compute each block alike, so which one is taken changes no bit.
  constexpr std::int64_t kManyHeads = 16;
  if (work.shape.batch * work.shape.key_heads >= kManyHeads)
    forward_by_head(work);
  else
    forward_by_block(work);
  return {output, log_sum};
}

void fused_backward(const QueryKeyValue& inputs, const FusedResult& result, const Tensor& output_gradient,
                    const AttentionSpec& spec, const Run& run, const QueryKeyValue& gradients) {
  const backend::AttentionBackward work = {
      .shape = shape_of(inputs.query, inputs.key, inputs.value, spec, run),
      .query = operand(inputs.query),
      .key = operand(inputs.key),
      .value = operand(inputs.value),
      .output = operand(result.output),
      .output_gradient = operand(output_gradient),
      .query_gradient = operand(gradients.query),
      .key_gradient = operand(gradients.key),
      .value_gradient = operand(gradients.value),
      .log_sum = result.log_sum.raw()};
  const auto& kernels = backend::kernels().attention;
  const std::size_t bytes = kernels.backward_scratch_bytes(work.shape);
  parallel_for(work.shape.batch * work.shape.key_heads, 1, [&](std::int64_t begin, std::int64_t end) {
    std::shared_ptr<Storage> memory;
    for (std::int64_t unit = begin; unit < end; ++unit)
      kernels.backward(work, unit / work.shape.key_heads, unit % work.shape.key_heads,
                       scratch(memory, bytes));
  });
}

Tensor fused_decode(const Tensor& query, const Tensor& key, const Tensor& value, const AttentionSpec& spec) {
  const Tensor output =
      Tensor::empty({query.dim(0), query.dim(1), query.dim(2), value.dim(3)}, query.dtype());
  const backend::AttentionDecode work = {.shape = shape_of(query, key, value, spec, {}),
                                         .query = operand(query),
                                         .key = operand(key),
                                         .value = operand(value),
                                         .output = operand(output)};
  const auto& kernels = backend::kernels().attention;
  const std::size_t bytes = kernels.decode_scratch_bytes(work.shape);
  const std::int64_t heads = work.shape.key_heads;
  parallel_for(work.shape.batch * heads, 1, [&](std::int64_t begin, std::int64_t end) {
    std::shared_ptr<Storage> memory;
    for (std::int64_t unit = begin; unit < end; ++unit)
      kernels.decode(work, unit / heads, unit % heads, scratch(memory, bytes));
  });
  return output;
}

}  // namespace attend::attention
