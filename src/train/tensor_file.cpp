#include "train/tensor_file.h"

#include <fmt/format.h>

#include <cstring>
#include <set>

#include "attend/base/error.h"
#include "attend/io/safetensors.h"

namespace attend::train {

void write_tensors(const std::filesystem::path& path, const NamedTensors& tensors,
                   const std::map<std::string, std::string>& metadata) {
  std::vector<io::SafetensorsEntry> entries;
  NamedTensors dense;
  for (const auto& [name, tensor] : tensors) {
    dense.emplace_back(name, tensor.is_contiguous() ? tensor : tensor.clone());
    const Tensor& t = dense.back().second;
    const auto sizes = t.shape().sizes();
    entries.push_back({name,
                       t.dtype(),
                       {sizes.begin(), sizes.end()},
                       {static_cast<const std::byte*>(t.raw()),
                        static_cast<std::size_t>(t.elements()) * size_of(t.dtype())}});
  }
  io::write_safetensors(path, entries, metadata);
}

NamedTensors read_tensors(const std::filesystem::path& path, const NamedTensors& expected) {
  const io::SafetensorsFile file = io::SafetensorsFile::open(path);
  std::set<std::string> names;
  NamedTensors result;
  for (const auto& [name, tensor] : expected) {
    const io::SafetensorsEntry& entry = file.at(name);
    const Shape shape(entry.shape);
    if (entry.dtype != tensor.dtype() || !(shape == tensor.shape()))
      throw Error(fmt::format("{}: {} is {} {}, expected {}", path.string(), name, name_of(entry.dtype),
                              shape.text(), tensor.text()));
    names.insert(name);
    Tensor copy = Tensor::empty(shape, entry.dtype);
    if (!entry.data.empty()) std::memcpy(copy.raw(), entry.data.data(), entry.data.size());
    result.emplace_back(name, std::move(copy));
  }
  for (const std::string& name : file.names())
    if (!names.contains(name))
      throw Error(fmt::format("{}: unexpected tensor {}: it belongs to another model or optimizer",
                              path.string(), name));
  return result;
}

}  // namespace attend::train
