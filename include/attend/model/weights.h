#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "attend/nn/module.h"

namespace attend::model {

/// Writes all parameters to a safetensors file under their names, replacing it as a whole or not at all; tied
/// tensors once. Throws Error naming the file when it cannot be written.
void save_parameters(const nn::Module& module, const std::filesystem::path& path,
                     const std::map<std::string, std::string>& metadata = {});

/// Reads a safetensors file into the parameters of the same names: see Module::load. Throws Error naming the
/// file and the tensor also when a value is NaN or infinite; then no parameter has changed.
///
/// With a prefix ("encoder."), only the parameters whose names begin with it; other tensors of the file are
/// passed over.
void load_parameters(nn::Module& module, const std::filesystem::path& path, std::string_view prefix = {});

}  // namespace attend::model
