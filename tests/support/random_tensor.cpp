#include "support/random_tensor.h"

#include "backend/cast.h"

namespace attend::test {

Tensor random_tensor(const Shape& shape, DType dtype, std::uint64_t seed, double low, double high) {
  Generator generator(seed);
  std::vector<double> values(static_cast<std::size_t>(shape.elements()));
  for (double& value : values) value = low + (high - low) * generator.uniform();
  return backend::cast(Tensor::from(values, shape), dtype);
}

Tensor random_integers(const Shape& shape, std::int64_t bound, std::uint64_t seed, DType dtype) {
  Generator generator(seed);
  std::vector<std::int64_t> values(static_cast<std::size_t>(shape.elements()));
  for (auto& value : values)
    value = static_cast<std::int64_t>(generator.below(static_cast<std::uint64_t>(bound)));
  return backend::cast(Tensor::from(values, shape), dtype);
}

}  // namespace attend::test
