#include "attend/tensor/tensor.h"

#include <fmt/format.h>

#include <cstring>

#include "attend/base/error.h"
#include "tensor/copy_strided.h"
#include "tensor/visit.h"

namespace attend {

void Tensor::fail_undefined() {
  throw Error("an undefined tensor was used");
}

void Tensor::require(DType dtype) const {
  if (dtype != this->dtype())
    throw Error(fmt::format("a tensor of dtype {} was read as {}", name_of(this->dtype()), name_of(dtype)));
}

Tensor Tensor::over(std::shared_ptr<Storage> storage, const Shape& shape, DType dtype) {
  Tensor tensor;
  tensor.impl_ = std::make_shared<Impl>();
  tensor.impl_->shape = shape;
  tensor.impl_->strides = row_major_strides(shape);
  tensor.impl_->elements = shape.elements();
  tensor.impl_->dtype = dtype;
  if (static_cast<std::size_t>(tensor.impl_->elements) > storage->bytes() / size_of(dtype))
    throw Error(fmt::format("a {} tensor of shape {} does not fit in {} bytes", name_of(dtype), shape.text(),
                            storage->bytes()));
  tensor.impl_->storage = std::move(storage);
  return tensor;
}

Tensor Tensor::empty(const Shape& shape, DType dtype) {
  const auto elements = static_cast<std::size_t>(shape.elements());
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(elements, size_of(dtype), &bytes))
    throw Error(fmt::format("a {} tensor of shape {} is too large", name_of(dtype), shape.text()));
  return over(Storage::allocate(bytes), shape, dtype);
}

Tensor Tensor::zeros(const Shape& shape, DType dtype) {
  Tensor tensor = empty(shape, dtype);
  std::memset(tensor.raw(), 0, static_cast<std::size_t>(tensor.elements()) * size_of(dtype));
  return tensor;
}

Tensor Tensor::full(const Shape& shape, double value, DType dtype) {
  Tensor tensor = empty(shape, dtype);
  visit_dtype(dtype, [&]<class T>() {
    T* data = tensor.data<T>();
    const T element = from_double<T>(value);
    for (std::int64_t i = 0; i < tensor.elements(); ++i) data[i] = element;
  });
  return tensor;
}

Tensor Tensor::copy_of(const void* values, std::size_t count, const Shape& shape, DType dtype) {
  if (static_cast<std::int64_t>(count) != shape.elements())
    throw Error(fmt::format("{} values given for a tensor of shape {}", count, shape.text()));
  Tensor tensor = empty(shape, dtype);
  if (count != 0) std::memcpy(tensor.raw(), values, count * size_of(dtype));
  return tensor;
}

bool Tensor::is_contiguous() const {
  std::int64_t step = 1;
  for (int i = rank() - 1; i >= 0; --i) {
    if (shape()[i] != 1 && strides()[i] != step) return elements() == 0;
    step *= shape()[i];
  }
  return true;
}

double Tensor::item() const {
  if (elements() != 1)
    throw Error(fmt::format("item() of a tensor of shape {}: it needs one element", shape().text()));
  return to_vector<double>()[0];
}

template <class T>
std::vector<T> Tensor::to_vector() const {
  const Tensor dense = is_contiguous() ? *this : clone();
  std::vector<T> values(static_cast<std::size_t>(elements()));
  visit_dtype(dtype(), [&]<class S>() {
    const S* data = dense.data<S>();
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = convert<T>(data[i]);
  });
  return values;
}
template std::vector<float> Tensor::to_vector() const;
template std::vector<double> Tensor::to_vector() const;
template std::vector<std::int64_t> Tensor::to_vector() const;
template std::vector<std::int32_t> Tensor::to_vector() const;

Tensor Tensor::clone() const {
  Tensor copy = empty(shape(), dtype());
  copy.copy_from(*this);
  return copy;
}

void Tensor::copy_from(const Tensor& source) const {
  if (!(source.shape() == shape()) || source.dtype() != dtype())
    throw Error(fmt::format("copy of {} into {}: shape and dtype must be equal", source.text(), text()));
  copy_strided(source, *this);
}

Tensor Tensor::view_as(const Shape& shape, const Shape& strides, std::int64_t offset) const {
  Tensor view;
  view.impl_ = std::make_shared<Impl>();
  view.impl_->storage = storage();
  view.impl_->shape = shape;
  view.impl_->strides = strides;
  view.impl_->offset = impl().offset + offset;
  view.impl_->elements = shape.elements();
  view.impl_->dtype = dtype();
  std::int64_t last = view.impl_->offset;
  for (int i = 0; i < shape.rank(); ++i) last += (shape[i] - 1) * strides[i];
  const auto capacity = static_cast<std::int64_t>(storage()->bytes() / size_of(dtype()));
  if (view.impl_->elements != 0 && (view.impl_->offset < 0 || last >= capacity))
    throw Error(fmt::format("a view of shape {} at element {} reaches outside its memory of {} elements",
                            shape.text(), view.impl_->offset, capacity));
  return view;
}

std::string Tensor::text() const {
  return defined() ? fmt::format("{} {}", name_of(dtype()), shape().text()) : "undefined";
}

}  // namespace attend
