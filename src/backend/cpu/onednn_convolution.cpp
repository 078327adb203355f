#include "backend/cpu/onednn_convolution.h"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "attend/base/error.h"
#include "attend/tensor/storage.h"
#include "backend/cpu/onednn.h"

namespace attend::backend::onednn {

namespace {

using dnnl::memory;
using Tag = memory::format_tag;

struct Step {
  dnnl::primitive primitive;
  memory::desc scratchpad;

  void run(std::unordered_map<int, memory> arguments) const {
    if (const std::size_t bytes = scratchpad.get_size(); bytes != 0)
      arguments.emplace(DNNL_ARG_SCRATCHPAD, memory(scratchpad, engine(), onednn::scratchpad(bytes)));
    primitive.execute(stream(), arguments);
    stream().wait();
  }
};

struct Plan {
  memory::desc x, y, bias;
  memory::desc weight, packed_weight;  // as the caller has them, and as the convolution wants them
  Step convolution;
  Step reorder;  // of the weights, before or after; not there when both are one
};

memory::dims dims_of(const std::array<std::int64_t, 2>& pair, std::int64_t minus = 0) {
  return {pair[0] - minus, pair[1] - minus};
}

// What must be read behind the last row and column for the kernel to reach out_size.
memory::dims padding_behind(const ConvolutionShape& s) {
  memory::dims result;
  for (std::size_t axis = 0; axis < 2; ++axis)
    result.push_back((s.out_size[axis] - 1) * s.stride[axis] + (s.kernel[axis] - 1) * s.dilation[axis] + 1 -
                     s.size[axis] - s.padding[axis]);
  return result;
}

memory::dims weight_dims(const ConvolutionShape& s) {
  if (s.groups == 1) return {s.out, s.in, s.kernel[0], s.kernel[1]};
  return {s.groups, s.out / s.groups, s.in / s.groups, s.kernel[0], s.kernel[1]};
}

template <class Primitive, class Description>
void take(Plan& plan, const Description& description, const memory::desc& packed_weight) {
  plan.convolution = {Primitive(description), description.scratchpad_desc()};
  plan.packed_weight = packed_weight;
}

std::shared_ptr<const Plan> make_plan(const ConvolutionWork& work, int threads) {
  const PlannedThreads planned(threads);
  const ConvolutionShape& s = work.shape;
  const auto dtype = data_type(work.dtype);
  const bool finds_weights = work.pass == ConvolutionPass::weight_gradient;
  const auto weight_dtype = finds_weights ? memory::data_type::f32 : dtype;
  auto plan = std::make_shared<Plan>();
  plan->x = memory::desc({s.batch, s.in, s.size[0], s.size[1]}, dtype, Tag::nhwc);
  plan->y = memory::desc({s.batch, s.out, s.out_size[0], s.out_size[1]}, dtype, Tag::nhwc);
  plan->weight = memory::desc(weight_dims(s), weight_dtype, s.groups == 1 ? Tag::oihw : Tag::goihw);
  if (work.bias != nullptr) plan->bias = memory::desc({s.out}, memory::data_type::f32, Tag::a);
  const memory::desc any(weight_dims(s), weight_dtype, Tag::any);
  const memory::dims stride = dims_of(s.stride), dilation = dims_of(s.dilation, 1),
                     before = dims_of(s.padding), behind = padding_behind(s);
  constexpr auto direct = dnnl::algorithm::convolution_direct;
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  // oneDNN plans the gradients with the forward pass as a hint.
  const dnnl::convolution_forward::primitive_desc forward(
      {dnnl::prop_kind::forward_training, direct, plan->x, memory::desc(weight_dims(s), dtype, Tag::any),
       plan->bias, plan->y, stride, dilation, before, behind},
      attributes, engine());
  if (work.pass == ConvolutionPass::forward) {
    take<dnnl::convolution_forward>(*plan, forward, forward.weights_desc());
  } else if (work.pass == ConvolutionPass::input_gradient) {
    const dnnl::convolution_backward_data::primitive_desc backward(
        {direct, plan->x, any, plan->y, stride, dilation, before, behind}, attributes, engine(), forward);
    take<dnnl::convolution_backward_data>(*plan, backward, backward.weights_desc());
  } else {
    const dnnl::convolution_backward_weights::primitive_desc backward(
        {direct, plan->x, any, plan->y, stride, dilation, before, behind}, attributes, engine(), forward);
    take<dnnl::convolution_backward_weights>(*plan, backward, backward.diff_weights_desc());
  }
  if (plan->packed_weight != plan->weight) {
    const memory::desc &from = finds_weights ? plan->packed_weight : plan->weight,
                       &to = finds_weights ? plan->weight : plan->packed_weight;
    const dnnl::reorder::primitive_desc reorder(engine(), from, engine(), to, attributes);
    plan->reorder = {dnnl::reorder(reorder), reorder.scratchpad_desc()};
  }
  return plan;
}

std::shared_ptr<const Plan> plan_for(const ConvolutionWork& work, int threads) {
  static std::mutex mutex;
  static std::map<std::vector<std::int64_t>, std::shared_ptr<const Plan>> plans;
  // Pictures of ever new sizes would fill the memory; a full cache is dropped and built again.
  constexpr std::size_t kMaxPlans = 4096;
  const ConvolutionShape& s = work.shape;
  std::vector<std::int64_t> key = {threads,
                                   static_cast<std::int64_t>(work.pass),
                                   static_cast<std::int64_t>(work.dtype),
                                   work.bias != nullptr ? 1 : 0,
                                   s.batch,
                                   s.in,
                                   s.out,
                                   s.groups};
  for (const auto* pair : {&s.size, &s.kernel, &s.stride, &s.padding, &s.dilation, &s.out_size})
    key.insert(key.end(), pair->begin(), pair->end());
  const std::lock_guard lock(mutex);
  auto& plan = plans[key];
  if (plan != nullptr) return plan;
  if (plans.size() > kMaxPlans) plans.clear();
  auto made = make_plan(work, threads);
  plans[key] = made;
  return made;
}

}  // namespace

void convolve(const ConvolutionWork& work) {
  try {
    const bool finds_weights = work.pass == ConvolutionPass::weight_gradient;
    const int threads = finds_weights ? 1 : usable_threads();
    const auto plan = plan_for(work, threads);
    const PlannedThreads planned(threads);
    const memory plain(plan->weight, engine(), work.weight);
    memory weight = plain;
    std::shared_ptr<Storage> kept;
    const bool reorders = plan->packed_weight != plan->weight;
    if (reorders) {
      kept = Storage::allocate(plan->packed_weight.get_size());
      weight = memory(plan->packed_weight, engine(), kept->data());
      if (!finds_weights) plan->reorder.run({{DNNL_ARG_FROM, plain}, {DNNL_ARG_TO, weight}});
    }
    const bool forward = work.pass == ConvolutionPass::forward;
    std::unordered_map<int, memory> arguments = {
        {work.pass == ConvolutionPass::input_gradient ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC,
         {plan->x, engine(), work.x}},
        {forward ? DNNL_ARG_DST : DNNL_ARG_DIFF_DST, {plan->y, engine(), work.y}},
        {finds_weights ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS, weight}};
    if (work.bias != nullptr) arguments.emplace(DNNL_ARG_BIAS, memory(plan->bias, engine(), work.bias));
    plan->convolution.run(std::move(arguments));
    if (reorders && finds_weights) plan->reorder.run({{DNNL_ARG_FROM, weight}, {DNNL_ARG_TO, plain}});
  } catch (const dnnl::error& error) {
    throw Error(fmt::format("oneDNN says {}", error.what()));
  }
}

}  // namespace attend::backend::onednn
