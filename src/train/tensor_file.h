#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "attend/tensor/tensor.h"

namespace attend::train {

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

/// Replaces the file by a safetensors file with these tensors.
void write_tensors(const std::filesystem::path& path, const NamedTensors& tensors,
                   const std::map<std::string, std::string>& metadata = {});

/// Copies of a safetensors file's tensors, which must be the expected ones by name, dtype and shape, in their
/// order. Throws Error naming the file and the tensor that is missing, unexpected or different.
NamedTensors read_tensors(const std::filesystem::path& path, const NamedTensors& expected);

}  // namespace attend::train
