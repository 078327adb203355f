#include "support/golden.h"

#include <fmt/format.h>

#include <cstring>

#include "attend/base/error.h"
#include "attend/io/safetensors.h"
#include "backend/cast.h"
#include "support/compare.h"

namespace attend::test {

namespace {

Tensor tensor_of(const io::SafetensorsEntry& entry) {
  const Tensor tensor = Tensor::empty(Shape(entry.shape), entry.dtype);
  std::memcpy(tensor.raw(), entry.data.data(), entry.data.size());
  return tensor;
}

autograd::Tensors read_list(const io::SafetensorsFile& file, const std::string& prefix) {
  constexpr int kMost = 64;
  autograd::Tensors list;
  for (int i = 0; i < kMost; ++i) {
    const io::SafetensorsEntry* entry = file.find(prefix + std::to_string(i));
    if (entry == nullptr) continue;
    list.resize(static_cast<std::size_t>(i) + 1);
    list.back() = tensor_of(*entry);
  }
  return list;
}

Tensor in_dtype(const Tensor& tensor, DType dtype) {
  return tensor.defined() && is_floating(tensor.dtype()) ? backend::cast(tensor, dtype) : tensor;
}

double default_tolerance(DType dtype) {
  return dtype == DType::f64 ? 1e-12 : dtype == DType::f32 ? 1e-5 : 2e-2;
}

}  // namespace

GoldenCase load_golden(const std::string& file, const std::string& name) {
  const auto content = io::SafetensorsFile::open(std::string(ATTEND_GOLDEN_DIR) + "/" + file);
  GoldenCase result{read_list(content, name + "/input."), read_list(content, name + "/output."),
                    read_list(content, name + "/cotangent."), read_list(content, name + "/gradient.")};
  if (result.inputs.empty() || result.outputs.empty())
    throw Error(fmt::format("{} holds no case '{}'", file, name));
  result.cotangents.resize(result.outputs.size());
  result.gradients.resize(result.inputs.size());
  return result;
}

::testing::AssertionResult golden_matches(
    const std::string& file, const std::string& name,
    const std::function<autograd::Tensors(const autograd::Tensors&)>& function, const GoldenCheck& check) {
  const auto failure = [&] {
    return ::testing::AssertionFailure() << name << " " << name_of(check.dtype) << ": ";
  };
  const double relative = check.relative < 0 ? default_tolerance(check.dtype) : check.relative;
  const double absolute = check.absolute < 0 ? default_tolerance(check.dtype) : check.absolute;
  const GoldenCase expected = load_golden(file, name);
  autograd::Tensors inputs, differentiable, cotangents;
  for (std::size_t i = 0; i < expected.inputs.size(); ++i) {
    inputs.push_back(in_dtype(expected.inputs[i], check.dtype).detach());
    if (expected.gradients[i].defined()) autograd::set_requires_grad(inputs.back());
  }
  const autograd::Tensors outputs = function(inputs);
  if (outputs.size() != expected.outputs.size())
    return failure() << outputs.size() << " outputs, expected " << expected.outputs.size();
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const auto result = close(outputs[i], expected.outputs[i], relative, absolute);
    if (!result) return failure() << "output " << i << ": " << result.message();
    if (!autograd::requires_grad(outputs[i])) continue;
    if (!expected.cotangents[i].defined()) return failure() << "no cotangent for output " << i;
    differentiable.push_back(outputs[i]);
    cotangents.push_back(backend::cast(expected.cotangents[i], outputs[i].dtype()));
  }
  if (differentiable.empty()) {
    for (const Tensor& gradient : expected.gradients)
      if (gradient.defined()) return failure() << "the outputs are not differentiable";
    return ::testing::AssertionSuccess();
  }
  const autograd::Tensors gradients = autograd::gradients(differentiable, inputs, cotangents);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!gradients[i].defined() && !expected.gradients[i].defined()) continue;
    const auto result = close(gradients[i], expected.gradients[i], relative, absolute);
    if (!result) return failure() << "gradient " << i << ": " << result.message();
  }
  return ::testing::AssertionSuccess();
}

}  // namespace attend::test
