#include "attend/nn/module.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_map>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "backend/cast.h"

namespace attend::nn {

namespace {

bool widens(DType from, DType to) {
  if (from == to) return true;
  if (to == DType::f32) return from == DType::bf16;
  return to == DType::f64 && (from == DType::f32 || from == DType::bf16);
}

}  // namespace

void Module::check_new(const std::string& name) const {
  if (name.empty()) throw Error("a parameter or part of a module needs a name");
  if (std::ranges::any_of(entries_, [&](const Entry& entry) { return entry.name == name; }))
    throw Error(fmt::format("a module has two parts named '{}'", name));
}

void Module::add_parameter(const std::string& name, Tensor& member, bool decay) {
  if (!member.defined()) return;
  check_new(name);
  autograd::set_requires_grad(member);
  entries_.push_back({name, &member, decay, true, nullptr});
}

void Module::add_buffer(const std::string& name, Tensor& member) {
  check_new(name);
  entries_.push_back({name, &member, false, false, nullptr});
}

void Module::add_child(const std::string& name, Module& child) {
  check_new(name);
  entries_.push_back({name, nullptr, true, true, &child});
}

void Module::collect(const std::string& prefix, std::vector<Slot>& slots) const {
  for (const Entry& entry : entries_) {
    if (entry.child != nullptr)
      entry.child->collect(prefix + entry.name + ".", slots);
    else
      slots.push_back({prefix + entry.name, entry.tensor, entry.decay, entry.trainable});
  }
}

std::vector<Module::Slot> Module::slots() const {
  std::vector<Slot> result;
  collect("", result);
  return result;
}

std::vector<NamedParameter> Module::parameters() const {
  std::vector<NamedParameter> result;
  std::set<const void*> seen;
  for (const Slot& slot : slots())
    if (slot.tensor->elements() == 0 || seen.insert(slot.tensor->raw()).second)
      result.push_back({slot.name, *slot.tensor, slot.decay, slot.trainable});
  return result;
}

std::int64_t Module::parameter_count() const {
  std::int64_t count = 0;
  for (const NamedParameter& parameter : parameters())
    if (parameter.trainable) count += parameter.tensor.elements();
  return count;
}

void Module::cast_parameters(DType dtype) {
  if (!is_floating(dtype))
    throw Error(fmt::format("parameters cannot be {}: f32, bf16 or f64 needed", name_of(dtype)));
  std::unordered_map<const void*, Tensor> done;  // tied tensors stay tied
  std::vector<Tensor> kept;                      // so that no address is used twice
  for (const Slot& slot : slots()) {
    const Tensor before = *slot.tensor;
    const DType target = dtype == DType::bf16 && before.rank() < 2 ? DType::f32 : dtype;
    Tensor& after = done[before.raw()];
    if (!after.defined()) {
      kept.push_back(before);
      after = before.dtype() == target ? before.detach() : backend::cast(before, target);
      autograd::set_requires_grad(after, dtype != DType::bf16 && autograd::requires_grad(before));
    }
    *slot.tensor = after;
  }
}

void Module::load(const std::map<std::string, Tensor>& tensors, std::string_view source,
                  std::string_view prefix) {
  std::vector<NamedParameter> wanted = parameters();
  std::erase_if(wanted, [&](const NamedParameter& parameter) { return !parameter.name.starts_with(prefix); });
  std::set<std::string_view> names;
  for (const auto& [name, tensor, decay, trainable] : wanted) {
    names.insert(name);
    const auto found = tensors.find(name);
    if (found == tensors.end())
      throw Error(fmt::format("{}: no tensor '{}'; the model needs it, {}", source, name, tensor.text()));
    if (!(found->second.shape() == tensor.shape()))
      throw Error(fmt::format("{}: tensor '{}' has shape {}; the model needs {}", source, name,
                              found->second.shape().text(), tensor.shape().text()));
    if (!widens(found->second.dtype(), tensor.dtype()))
      throw Error(fmt::format("{}: tensor '{}' has dtype {}; the model needs {}", source, name,
                              name_of(found->second.dtype()), name_of(tensor.dtype())));
  }
  for (const auto& [name, tensor] : tensors)
    if (!names.contains(name))
      throw Error(fmt::format("{}: tensor '{}' is not a parameter of the model, which has {} others", source,
                              name, names.size()));
  for (const auto& [name, tensor, decay, trainable] : wanted) {
    const Tensor& from = tensors.at(name);
    tensor.copy_from(from.dtype() == tensor.dtype() ? from : backend::cast(from, tensor.dtype()));
  }
}

}  // namespace attend::nn
