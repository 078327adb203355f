#include "attend/model/weights.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "attend/base/error.h"
#include "attend/io/safetensors.h"

namespace attend::model {

namespace {

template <class T>
bool all_finite(const Tensor& tensor) {
  const T* values = tensor.data<T>();
  for (std::int64_t i = 0; i < tensor.elements(); ++i)
    if (!std::isfinite(static_cast<double>(static_cast<float>(values[i])))) return false;
  return true;
}

template <>
bool all_finite<double>(const Tensor& tensor) {
  const double* values = tensor.data<double>();
  for (std::int64_t i = 0; i < tensor.elements(); ++i)
    if (!std::isfinite(values[i])) return false;
  return true;
}

bool finite(const Tensor& tensor) {
  switch (tensor.dtype()) {
    case DType::f32:
      return all_finite<float>(tensor);
    case DType::bf16:
      return all_finite<BFloat16>(tensor);
    case DType::f64:
      return all_finite<double>(tensor);
    default:
      return true;
  }
}

/// The mapped bytes themselves where their address allows it, else a copy.
Tensor as_tensor(const io::SafetensorsEntry& entry, const std::shared_ptr<const io::SafetensorsFile>& file,
                 const std::filesystem::path& path) {
  try {
    const Shape shape(entry.shape);
    if (reinterpret_cast<std::uintptr_t>(entry.data.data()) % size_of(entry.dtype) == 0)
      return Tensor::over(Storage::refer(const_cast<std::byte*>(entry.data.data()), entry.data.size(), file),
                          shape, entry.dtype);
    const Tensor copy = Tensor::empty(shape, entry.dtype);
    if (!entry.data.empty()) std::memcpy(copy.raw(), entry.data.data(), entry.data.size());
    return copy;
  } catch (const Error& error) {
    throw Error(fmt::format("{}: tensor '{}': {}", path.string(), entry.name, error.what()));
  }
}

}  // namespace

void save_parameters(const nn::Module& module, const std::filesystem::path& path,
                     const std::map<std::string, std::string>& metadata) {
  const std::vector<nn::NamedParameter> parameters = module.parameters();
  std::vector<io::SafetensorsEntry> entries;
  for (const auto& [name, tensor, decay, trainable] : parameters) {
    const auto sizes = tensor.shape().sizes();
    const auto bytes = static_cast<std::size_t>(tensor.elements()) * size_of(tensor.dtype());
    entries.push_back({name,
                       tensor.dtype(),
                       {sizes.begin(), sizes.end()},
                       {static_cast<const std::byte*>(tensor.raw()), bytes}});
  }
  io::write_safetensors(path, entries, metadata);
}

void load_parameters(nn::Module& module, const std::filesystem::path& path, std::string_view prefix) {
  const auto file = std::make_shared<const io::SafetensorsFile>(io::SafetensorsFile::open(path));
  std::map<std::string, Tensor> tensors;
  for (const io::SafetensorsEntry& entry : file->entries()) {
    if (!entry.name.starts_with(prefix)) continue;
    const Tensor tensor = as_tensor(entry, file, path);
    if (!finite(tensor))
      throw Error(fmt::format("{}: tensor '{}' holds a value that is not a finite number", path.string(),
                              entry.name));
    tensors.emplace(entry.name, tensor);
  }
  module.load(tensors, path.string(), prefix);
}

}  // namespace attend::model
