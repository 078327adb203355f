#include "attend/op/embedding.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "backend/cast.h"
#include "backend/kernels.h"
#include "op/chunk.h"
#include "op/integers.h"
#include "op/view.h"

namespace attend::op {

namespace {

// Places of a matrix's rows, grouped: those of group g are rows[starts[g]] to rows[starts[g + 1] - 1], in
// order.
struct Groups {
  std::vector<std::int64_t> starts, rows;
};

Groups group_by_id(const Tensor& ids, std::int64_t count) {
  const std::int64_t* p = ids.data<std::int64_t>();
  Groups groups;
  groups.starts.assign(static_cast<std::size_t>(count) + 1, 0);
  groups.rows.resize(static_cast<std::size_t>(ids.elements()));
  for (std::int64_t i = 0; i < ids.elements(); ++i) ++groups.starts[static_cast<std::size_t>(p[i]) + 1];
  for (std::size_t g = 0; g < static_cast<std::size_t>(count); ++g) groups.starts[g + 1] += groups.starts[g];
  std::vector<std::int64_t> next = groups.starts;
  for (std::int64_t i = 0; i < ids.elements(); ++i)
    groups.rows[static_cast<std::size_t>(next[static_cast<std::size_t>(p[i])]++)] = i;
  return groups;
}

Groups group_by_position(std::int64_t rows, std::int64_t offset, std::int64_t length, std::int64_t count) {
  Groups groups;
  const std::int64_t repeats = length == 0 ? 0 : rows / length;
  for (std::int64_t g = 0; g <= count; ++g)
    groups.starts.push_back(std::clamp<std::int64_t>(g - offset, 0, length) * repeats);
  for (std::int64_t t = 0; t < length; ++t)
    for (std::int64_t i = 0; i < repeats; ++i) groups.rows.push_back(i * length + t);
  return groups;
}

// The gradient of a table: row g is the sum of the group's rows of dy.
Tensor sum_groups(const Tensor& dy, const Groups& groups, const Shape& shape, DType dtype) {
  const std::int64_t columns = shape[1];
  const Tensor sums = Tensor::empty(shape, parameter_dtype(dy.dtype()));
  // A few groups at a time when there are few: one frequent id must not hold up the others.
  const std::int64_t grain = std::clamp<std::int64_t>(shape[0] / 64, 1, 64);
  parallel_for(shape[0], grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t g = begin; g < end; ++g) {
      const std::int64_t first = groups.starts[static_cast<std::size_t>(g)];
      backend::kernels().embedding.sum_rows(dy.dtype(), dy.raw(), groups.rows.data() + first,
                                            groups.starts[static_cast<std::size_t>(g) + 1] - first, columns,
                                            place(sums, g * columns));
    }
  });
  return backend::cast(sums, dtype);
}

DType check(const char* name, const Tensor& table, const Tensor& ids, std::optional<DType> wanted) {
  const DType dtype = wanted.value_or(table.dtype());
  const auto fail = [&](std::string_view why) {
    throw Error(
        fmt::format("{} of table {}, ids {} to {}: {}", name, table.text(), ids.text(), name_of(dtype), why));
  };
  if (!is_floating(table.dtype()) || table.rank() != 2) fail("a table [V, d] of f32, bf16 or f64 needed");
  if (!is_floating(dtype) || parameter_dtype(dtype) != parameter_dtype(table.dtype()))
    fail("f32 and bf16 go together, and f64 with f64");
  if (ids.dtype() != DType::i32 && ids.dtype() != DType::i64) fail("ids in i32 or i64 needed");
  if (ids.rank() == Shape::kMaxRank) fail("ids with fewer axes needed");
  return dtype;
}

Tensor gather(const Tensor& table, const Tensor& ids, const Shape& shape, DType dtype,
              const Tensor& positions, std::int64_t offset) {
  const Tensor rows = dense(table), position_rows = positions.defined() ? dense(positions) : Tensor();
  Tensor y = Tensor::empty(shape, dtype);
  const std::int64_t columns = table.dim(1), length = ids.rank() == 0 ? 1 : ids.dim(-1);
  parallel_for(ids.elements(), rows_of_chunk(columns), [&](std::int64_t begin, std::int64_t end) {
    backend::kernels().embedding.gather({.table_dtype = rows.dtype(),
                                         .out_dtype = dtype,
                                         .count = end - begin,
                                         .columns = columns,
                                         .table = rows.raw(),
                                         .ids = ids.data<std::int64_t>() + begin,
                                         .positions = place(position_rows, offset * columns),
                                         .first = begin,
                                         .period = length,
                                         .out = place(y, begin * columns)});
  });
  return y;
}

}  // namespace

Tensor embedding(const Tensor& table, const Tensor& ids, const EmbeddingOptions& options) {
  const DType dtype = check("embedding", table, ids, options.dtype);
  const Tensor indices = checked_indices("embedding: id", ids, table.dim(0));
  const Shape shape = ids.shape().inserted(ids.rank(), table.dim(1));
  const Tensor y = gather(table, indices, shape, dtype, {}, 0);
  if (autograd::is_recording({table}))
    autograd::record(
        "embedding", {table}, {y},
        [indices, shape = table.shape(), dtype = table.dtype()](const autograd::Tensors& gradients) {
          return autograd::Tensors{
              sum_groups(dense(gradients[0]), group_by_id(indices, shape[0]), shape, dtype)};
        });
  return y;
}

Tensor embed_tokens(const Tensor& table, const Tensor& positions, const Tensor& tokens,
                    const TokenEmbeddingOptions& options) {
  const DType dtype = check("embed_tokens", table, tokens, options.dtype);
  if (tokens.rank() < 1) throw Error(fmt::format("embed_tokens: tokens {}, [..., T] needed", tokens.text()));
  if (positions.rank() != 2 || positions.dim(1) != table.dim(1) || positions.dtype() != table.dtype())
    throw Error(fmt::format("embed_tokens of table {}, positions {}: positions {} [P, {}] needed",
                            table.text(), positions.text(), name_of(table.dtype()), table.dim(1)));
  const std::int64_t length = tokens.dim(-1), offset = options.offset;
  if (offset < 0 || offset > positions.dim(0) - length)
    throw Error(fmt::format("embed_tokens: {} tokens from position {} on, but there are {} positions", length,
                            offset, positions.dim(0)));
  const Tensor indices = checked_indices("embed_tokens: id", tokens, table.dim(0));
  const Shape shape = tokens.shape().inserted(tokens.rank(), table.dim(1));
  const Tensor y = gather(table, indices, shape, dtype, positions, offset);
  if (autograd::is_recording({table, positions}))
    autograd::record(
        "embed_tokens", {table, positions}, {y},
        [indices, offset, length, for_table = autograd::requires_grad(table),
         for_positions = autograd::requires_grad(positions), table_shape = table.shape(),
         position_shape = positions.shape(), dtype = table.dtype()](const autograd::Tensors& gradients) {
          const Tensor dy = dense(gradients[0]);
          autograd::Tensors result(2);
          if (for_table) result[0] = sum_groups(dy, group_by_id(indices, table_shape[0]), table_shape, dtype);
          if (for_positions)
            result[1] =
                sum_groups(dy, group_by_position(indices.elements(), offset, length, position_shape[0]),
                           position_shape, dtype);
          return result;
        });
  return y;
}

}  // namespace attend::op
