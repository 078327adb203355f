#pragma once

#include <string>

#include "attend/tensor/tensor.h"

namespace attend::train {

struct Parameter {
  std::string name;
  Tensor tensor;
  bool decay = true;
};

}  // namespace attend::train
