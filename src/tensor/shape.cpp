#include "attend/tensor/shape.h"

#include <fmt/format.h>

#include <algorithm>

#include "attend/base/error.h"

namespace attend {

Shape::Shape(std::span<const std::int64_t> sizes) {
  if (sizes.size() > kMaxRank)
    throw Error(fmt::format("a tensor has at most {} axes, {} given", kMaxRank, sizes.size()));
  for (std::int64_t size : sizes) append(size);
}

int Shape::normalise(int axis) const {
  const int place = axis < 0 ? axis + rank_ : axis;
  if (place < 0 || place >= rank_)
    throw Error(fmt::format("axis {} of a tensor of shape {}: it has {} axes", axis, text(), rank_));
  return place;
}

std::int64_t Shape::elements() const {
  std::int64_t product = 1;
  for (std::int64_t size : sizes())
    if (__builtin_mul_overflow(product, size, &product))
      throw Error(fmt::format("a tensor of shape {} has more elements than 63 bits can count", text()));
  return product;
}

void Shape::append(std::int64_t size) {
  if (size < 0) throw Error(fmt::format("an axis of size {}: sizes are 0 or more", size));
  if (rank_ == kMaxRank) throw Error(fmt::format("a tensor has at most {} axes", kMaxRank));
  sizes_[static_cast<std::size_t>(rank_++)] = size;
}

Shape Shape::inserted(int axis, std::int64_t size) const {
  Shape result;
  for (int i = 0; i < rank_; ++i) {
    if (i == axis) result.append(size);
    result.append((*this)[i]);
  }
  if (axis == rank_) result.append(size);
  return result;
}

Shape Shape::removed(int axis) const {
  Shape result;
  const int place = normalise(axis);
  for (int i = 0; i < rank_; ++i)
    if (i != place) result.append((*this)[i]);
  return result;
}

bool Shape::operator==(const Shape& other) const {
  return std::ranges::equal(sizes(), other.sizes());
}

std::string Shape::text() const {
  return fmt::format("[{}]", fmt::join(sizes(), ", "));
}

Shape broadcast(const Shape& a, const Shape& b) {
  const int rank = std::max(a.rank(), b.rank());
  Shape result;
  for (int i = 0; i < rank; ++i) {
    const int ia = i - (rank - a.rank()), ib = i - (rank - b.rank());
    const std::int64_t da = ia < 0 ? 1 : a[ia], db = ib < 0 ? 1 : b[ib];
    if (da != db && da != 1 && db != 1)
      throw Error(
          fmt::format("shapes {} and {} do not broadcast: {} against {}", a.text(), b.text(), da, db));
    result.append(da == 1 ? db : da);
  }
  return result;
}

Shape row_major_strides(const Shape& shape) {
  Shape strides = shape;
  std::int64_t step = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    strides.set(i, step);
    step *= std::max<std::int64_t>(shape[i], 1);
  }
  return strides;
}

}  // namespace attend
