#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

namespace attend {

/// The sizes of a tensor's axes, outermost first; at most eight axes. A scalar has none.
class Shape {
 public:
  static constexpr int kMaxRank = 8;

  Shape() = default;
  /// Throws Error for a negative size or more than kMaxRank axes.
  Shape(std::initializer_list<std::int64_t> sizes) : Shape(std::span(sizes.begin(), sizes.size())) {}
  explicit Shape(std::span<const std::int64_t> sizes);
  explicit Shape(const std::vector<std::int64_t>& sizes) : Shape(std::span(sizes)) {}

  int rank() const { return rank_; }
  /// The size of an axis; negative axes count from the end. Throws Error outside the rank.
  std::int64_t dim(int axis) const { return sizes_[static_cast<std::size_t>(normalise(axis))]; }
  std::int64_t operator[](int axis) const { return sizes_[static_cast<std::size_t>(axis)]; }
  void set(int axis, std::int64_t size) { sizes_[static_cast<std::size_t>(normalise(axis))] = size; }
  /// Maps a negative axis to its place from the front. Throws Error outside the rank.
  int normalise(int axis) const;

  /// Product of the sizes; 1 for a scalar. Throws Error when it does not fit in 63 bits.
  std::int64_t elements() const;

  void append(std::int64_t size);
  /// This shape with one axis inserted before `axis`.
  Shape inserted(int axis, std::int64_t size) const;
  /// This shape without an axis.
  Shape removed(int axis) const;

  std::span<const std::int64_t> sizes() const { return {sizes_.data(), static_cast<std::size_t>(rank_)}; }
  const std::int64_t* begin() const { return sizes_.data(); }
  const std::int64_t* end() const { return sizes_.data() + rank_; }
  bool operator==(const Shape& other) const;
  /// "[2, 3, 4]".
  std::string text() const;

 private:
  std::array<std::int64_t, kMaxRank> sizes_{};
  int rank_ = 0;
};

/// The shape of an element-wise operation on two operands, by NumPy's broadcasting rules. Throws Error when
/// they do not fit.
Shape broadcast(const Shape& a, const Shape& b);

/// Strides, in elements, of a dense row-major tensor.
Shape row_major_strides(const Shape& shape);

}  // namespace attend
