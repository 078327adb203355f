#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "attend/tensor/dtype.h"
#include "attend/tensor/shape.h"
#include "attend/tensor/storage.h"

namespace attend {

namespace autograd {
struct State;
}

/// An n-dimensional array: a dtype, a shape, strides (in elements) and shared memory, row-major unless it is
/// a view.
///
/// Copying a Tensor copies a handle: both refer to the same memory and the same place on the autograd tape.
/// The default-constructed tensor is undefined; every accessor but defined() then throws Error.
class Tensor {
 public:
  Tensor() = default;

  /// Uninitialised memory.
  static Tensor empty(const Shape& shape, DType dtype = DType::f32);
  static Tensor zeros(const Shape& shape, DType dtype = DType::f32);
  /// Every element equal to `value`, converted to the dtype.
  static Tensor full(const Shape& shape, double value, DType dtype = DType::f32);
  /// A copy of `values` in row-major order. Throws Error when the count does not fit the shape.
  template <class T>
  static Tensor from(std::span<const T> values, const Shape& shape) {
    return copy_of(values.data(), values.size(), shape, DTypeOf<T>::value);
  }
  template <class T>
  static Tensor from(const std::vector<T>& values, const Shape& shape) {
    return from(std::span<const T>(values), shape);
  }
  /// A tensor over existing memory.
  static Tensor over(std::shared_ptr<Storage> storage, const Shape& shape, DType dtype);

  bool defined() const { return impl_ != nullptr; }
  DType dtype() const { return impl().dtype; }
  const Shape& shape() const { return impl().shape; }
  /// Strides in elements, one for each axis.
  const Shape& strides() const { return impl().strides; }
  int rank() const { return impl().shape.rank(); }
  /// The size of an axis; negative axes count from the end.
  std::int64_t dim(int axis) const { return impl().shape.dim(axis); }
  std::int64_t elements() const { return impl().elements; }
  bool is_contiguous() const;

  /// The first element. Throws Error when T is not the dtype's type.
  template <class T>
  T* data() const {
    require(DTypeOf<T>::value);
    return static_cast<T*>(raw());
  }
  void* raw() const {
    return impl().storage->data() + impl().offset * static_cast<std::int64_t>(size_of(dtype()));
  }
  const std::shared_ptr<Storage>& storage() const { return impl().storage; }

  /// The only element, as a double. Throws Error when there is more than one.
  double item() const;
  /// All elements in row-major order, converted to T (float, double, std::int64_t or std::int32_t).
  template <class T>
  std::vector<T> to_vector() const;
  /// A dense copy with memory of its own, off the tape.
  Tensor clone() const;
  /// Copies all elements of `source`, which has the same shape and dtype, into this tensor's memory.
  void copy_from(const Tensor& source) const;

  /// Another view of the same memory, off the tape. The offset is in elements, from this tensor's first one.
  Tensor view_as(const Shape& shape, const Shape& strides, std::int64_t offset = 0) const;
  /// The same memory and view, off the tape.
  Tensor detach() const { return view_as(shape(), strides()); }

  /// Two handles of the same tensor object.
  bool same_object(const Tensor& other) const { return impl_ == other.impl_; }
  /// "f32 [2, 3]".
  std::string text() const;

  /// The place on the autograd tape; empty for a tensor that no gradient flows to (see
  /// attend/autograd/tape.h).
  std::shared_ptr<autograd::State>& autograd_state() const { return impl().state; }

 private:
  struct Impl {
    std::shared_ptr<Storage> storage;
    Shape shape, strides;
    std::int64_t offset = 0;
    std::int64_t elements = 0;
    DType dtype = DType::f32;
    std::shared_ptr<autograd::State> state;
  };

  static Tensor copy_of(const void* values, std::size_t count, const Shape& shape, DType dtype);
  Impl& impl() const {
    if (impl_ == nullptr) fail_undefined();
    return *impl_;
  }
  [[noreturn]] static void fail_undefined();
  void require(DType dtype) const;

  std::shared_ptr<Impl> impl_;
};

}  // namespace attend
