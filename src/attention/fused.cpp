#include "attention/fused.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "attention/kernel_work.h"
#include "attention/packed_heads.h"
#include "attention/validate.h"
#include "backend/cast.h"
#include "backend/kernels.h"

namespace attend::attention {

namespace {

using backend::AttentionShape;

constexpr std::int64_t kMaxDim = 256;

// Rows of a matrix from right to left.
Tensor backwards(const Tensor& rows) {
  const Tensor result = Tensor::empty(rows.shape(), rows.dtype());
  const std::int64_t columns = rows.dim(-1), count = rows.elements();
  visit_sum_dtype(rows.dtype(), [&]<class C>() {
    for (std::int64_t i = 0; i < count; ++i)
      result.data<C>()[i] = rows.data<C>()[i / columns * columns + columns - 1 - i % columns];
  });
  return result;
}

// Every head by itself, keys packed by the thread that uses them: nothing leaves its cache.
void forward_by_head(const backend::AttentionForward& work) {
  const auto& kernels = backend::kernels().attention;
  const AttentionShape& s = work.shape;
  const std::int64_t group = s.heads / s.key_heads;
  const std::int64_t block_queries = kernels.query_block(s),
                     blocks = (s.queries + block_queries - 1) / block_queries;
  const std::size_t packed_bytes = kernels.packed_bytes(s),
                    scratch_bytes = kernels.forward_scratch_bytes(work);
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
  const std::int64_t block_queries = kernels.query_block(s),
                     blocks = (s.queries + block_queries - 1) / block_queries;
  const std::size_t scratch_bytes = kernels.forward_scratch_bytes(work);
  const PackedHeads packed(work);
  parallel_for(s.batch * s.heads * blocks, 1, [&](std::int64_t begin, std::int64_t end) {
    std::shared_ptr<Storage> memory;
    for (std::int64_t i = begin; i < end; ++i) {
      // Causal blocks grow with their place: the longest first leaves no thread waiting for one at the end.
      const std::int64_t block = blocks - 1 - i / (s.batch * s.heads),
                         head_of_batch = i % (s.batch * s.heads);
      const std::int64_t batch = head_of_batch / s.heads, head = head_of_batch % s.heads;
      kernels.forward_block(work, batch, head, block, packed.of(batch, head), scratch(memory, scratch_bytes));
    }
  });
}

}  // namespace

void check_operands(const Tensor& query, const Tensor& key, const Tensor& value, const AttentionSpec& spec) {
  validate(spec);
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
  const bool joins_dims =
      spec.score.kind == Score::Kind::bilinear || spec.score.kind == Score::Kind::additive;
  if (key.dim(3) != query.dim(3) && !joins_dims) fail("queries and keys differ in d");
  if (key.dim(2) < 1 || query.dim(2) % key.dim(2) != 0)
    fail("the query heads are a multiple of the key heads");
}

FusedResult fused_forward(const Lowered& x, const std::optional<StatisticsOptions>& wanted) {
  const AttentionShape shape = shape_of(x);
  const Tensor output =
      Tensor::empty({shape.batch, shape.queries, shape.heads, shape.value_dim}, shape.dtype);
  const Tensor log_sum = Tensor::empty({shape.batch, shape.heads, shape.queries}, sum_dtype(shape.dtype));
  const backend::AttentionForward work = {.shape = shape,
                                          .query = operand(x.query),
                                          .key = operand(x.key),
                                          .value = operand(x.value),
                                          .output = operand(output),
                                          .log_sum = log_sum.raw()};
  // All ways compute each block alike, so which one is taken changes no bit.
  if (wanted) return {output, log_sum, forward_with_statistics(work, *wanted)};
  constexpr std::int64_t kManyHeads = 16;
  if (work.shape.batch * work.shape.key_heads >= kManyHeads)
    forward_by_head(work);
  else
    forward_by_block(work);
  return {output, log_sum};
}

namespace {

// Slices of the keys: enough units of work for many threads, by the shape alone so that no bit depends on the
// threads.
std::int64_t slices_of(const AttentionShape& s) {
  constexpr std::int64_t kUnits = 8, kBlock = backend::AttentionPlace::kBlock, kFewestBlocks = 2;
  const std::int64_t units = s.batch * s.key_heads, blocks = (s.keys + kBlock - 1) / kBlock;
  const std::int64_t wanted =
      std::clamp<std::int64_t>((kUnits + units - 1) / std::max<std::int64_t>(units, 1), 1,
                               std::max<std::int64_t>(1, blocks / kFewestBlocks));
  const std::int64_t blocks_of_one = (blocks + wanted - 1) / wanted;
  return blocks == 0 ? 1 : (blocks + blocks_of_one - 1) / blocks_of_one;
}

// [batch, heads, slices, distances + margin], distances from query to key, to [heads, distances] from key to
// query.
void sum_distance_gradients(const Tensor& parts, std::int64_t distances, const Tensor& gradient) {
  const std::int64_t heads = gradient.dim(0), copies = parts.dim(0) * parts.dim(2), slices = parts.dim(2),
                     width = parts.dim(3);
  visit_sum_dtype(gradient.dtype(), [&]<class C>() {
    parallel_for(heads, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t h = begin; h < end; ++h)
        for (std::int64_t i = 0; i < distances; ++i) {
          C sum = 0;
          for (std::int64_t c = 0; c < copies; ++c)
            sum += parts.data<C>()[((c / slices * heads + h) * slices + c % slices) * width + i];
          gradient.data<C>()[h * distances + distances - 1 - i] = sum;
        }
    });
  });
}

// [batch, heads, slices, d] to [heads, d].
void sum_vector_gradients(const Tensor& parts, const Tensor& gradient) {
  const std::int64_t batch = parts.dim(0), heads = parts.dim(1), slices = parts.dim(2), width = parts.dim(3);
  visit_sum_dtype(gradient.dtype(), [&]<class C>() {
    for (std::int64_t h = 0; h < heads; ++h)
      for (std::int64_t i = 0; i < width; ++i) {
        C sum = 0;
        for (std::int64_t b = 0; b < batch; ++b)
          for (std::int64_t slice = 0; slice < slices; ++slice)
            sum += parts.data<C>()[((b * heads + h) * slices + slice) * width + i];
        gradient.data<C>()[h * width + i] = sum;
      }
  });
}

// d loss / d sink_h = -sum over queries of the sink's weight times delta, delta = dO . O.
void sink_gradient(const Lowered& x, const FusedResult& result, const Tensor& output_gradient,
                   const Tensor& gradient) {
  const std::int64_t batch = x.query.dim(0), queries = x.query.dim(1), heads = x.query.dim(2),
                     width = x.value.dim(3);
  const Tensor out = backend::cast(result.output, gradient.dtype()),
               cotangent = backend::cast(output_gradient, gradient.dtype());
  visit_sum_dtype(gradient.dtype(), [&]<class C>() {
    parallel_for(heads, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t h = begin; h < end; ++h) {
        C sum = 0;
        for (std::int64_t b = 0; b < batch; ++b)
          for (std::int64_t i = 0; i < queries; ++i) {
            const C* o = out.data<C>() + ((b * queries + i) * heads + h) * width;
            const C* g = cotangent.data<C>() + ((b * queries + i) * heads + h) * width;
            C delta = 0;
            for (std::int64_t j = 0; j < width; ++j) delta += o[j] * g[j];
            const C log_sum = result.log_sum.data<C>()[(b * heads + h) * queries + i];
            sum -= delta * std::exp2(x.sink.data<C>()[h] * C(1.4426950408889634) - log_sum);
          }
        gradient.data<C>()[h] = sum;
      }
    });
  });
}

}  // namespace

void fused_backward(const Lowered& x, const FusedResult& result, const Tensor& output_gradient,
                    const LoweredGradients& gradients) {
  backend::AttentionBackward work = {.shape = shape_of(x),
                                     .query = operand(x.query),
                                     .key = operand(x.key),
                                     .value = operand(x.value),
                                     .output = operand(result.output),
                                     .output_gradient = operand(output_gradient),
                                     .query_gradient = operand(gradients.query),
                                     .key_gradient = operand(gradients.key),
                                     .value_gradient = operand(gradients.value),
                                     .log_sum = result.log_sum.raw()};
  const AttentionShape& s = work.shape;
  work.slices = slices_of(s);
  const std::int64_t distances = s.queries + s.keys - 1;
  Tensor from_query, distance_parts;
  std::shared_ptr<Storage> query_sums;
  if (x.distance_bias.defined()) {
    from_query = backwards(x.distance_bias);
    work.shape.query_distance_bias = from_query.raw();
  }
  if (gradients.distance_bias.defined()) {
    constexpr std::int64_t kMargin = 64;
    distance_parts = Tensor::zeros({s.batch, s.heads, work.slices, distances + kMargin}, sum_dtype(s.dtype));
    work.distance_bias_gradient = distance_parts.raw();
  }
  if (gradients.key_bias.defined()) work.key_bias_gradient = gradients.key_bias.raw();
  Tensor vector_parts;
  if (gradients.vector.defined()) {
    vector_parts = Tensor::zeros({s.batch, s.heads, work.slices, s.dim}, sum_dtype(s.dtype));
    work.vector_gradient = vector_parts.raw();
  }
  if (work.slices > 1) {
    const auto padded = [](std::int64_t n) { return (n + 31) / 32 * 32; };
    query_sums = Storage::allocate(
        static_cast<std::size_t>(s.batch * s.heads * work.slices * padded(s.dim) * padded(s.queries)) *
        size_of(sum_dtype(s.dtype)));
    work.query_sums = query_sums->data();
  }
  const auto& kernels = backend::kernels().attention;
  const std::size_t bytes = kernels.backward_scratch_bytes(work);
  parallel_for(s.batch * s.key_heads * work.slices, 1, [&](std::int64_t begin, std::int64_t end) {
    std::shared_ptr<Storage> memory;
    for (std::int64_t unit = begin; unit < end; ++unit) {
      const std::int64_t head = unit / work.slices;
      kernels.backward(work, head / s.key_heads, head % s.key_heads, unit % work.slices,
                       scratch(memory, bytes));
    }
  });
  if (work.slices > 1)
    parallel_for(s.batch * s.heads, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t head = begin; head < end; ++head)
        kernels.combine_slices(work, head / s.heads, head % s.heads);
    });
  if (distance_parts.defined()) sum_distance_gradients(distance_parts, distances, gradients.distance_bias);
  if (gradients.sink.defined()) sink_gradient(x, result, output_gradient, gradients.sink);
  if (vector_parts.defined()) sum_vector_gradients(vector_parts, gradients.vector);
}

Tensor fused_decode(const Lowered& x) {
  const backend::AttentionDecode work = {.shape = shape_of(x),
                                         .query = operand(x.query),
                                         .key = operand(x.key),
                                         .value = operand(x.value),
                                         .output = {}};
  const Tensor output = Tensor::empty(
      {work.shape.batch, work.shape.queries, work.shape.heads, work.shape.value_dim}, work.shape.dtype);
  backend::AttentionDecode with_output = work;
  with_output.output = operand(output);
  const auto& kernels = backend::kernels().attention;
  const std::size_t bytes = kernels.decode_scratch_bytes(work.shape);
  const std::int64_t heads = work.shape.key_heads;
  parallel_for(work.shape.batch * heads, 1, [&](std::int64_t begin, std::int64_t end) {
    std::shared_ptr<Storage> memory;
    for (std::int64_t unit = begin; unit < end; ++unit)
      kernels.decode(with_output, unit / heads, unit % heads, scratch(memory, bytes));
  });
  return output;
}

}  // namespace attend::attention
