#include "attend/autograd/tape.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>

#include "attend/base/error.h"
#include "backend/accumulate.h"

namespace attend::autograd {

struct Node;

// A tensor's place on the tape: a leaf (node is empty) or output number `index` of a node.
struct State {
  bool requires_grad = false;
  Tensor grad;
  std::shared_ptr<Node> node;
  std::size_t index = 0;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State();
};

struct Node {
  const char* name = "";
  std::uint64_t id = 0;  // grows with time: every node that uses an output of this one has a larger id
  std::vector<std::shared_ptr<State>> inputs;
  std::vector<Shape> input_shapes;
  std::vector<DType> input_dtypes;
  std::size_t outputs = 0;
  BackwardFunction backward;
};

namespace {

thread_local bool recording = true;
// Nodes whose last owner has gone, waiting for the outermost ~State of this thread.
thread_local std::vector<std::shared_ptr<Node>>* doomed = nullptr;
std::atomic<std::uint64_t> next_id{1};

State& state_of(const Tensor& tensor) {
  auto& state = tensor.autograd_state();
  if (state == nullptr) state = std::make_shared<State>();
  return *state;
}

void accumulate(Tensor& into, const Tensor& gradient) {
  if (!into.defined()) {
    into = gradient;
    return;
  }
  // An operation may hand on its cotangent as it came, so the first contribution may have other owners and
  // the sum gets memory of its own.
  Tensor sum = Tensor::empty(into.shape(), into.dtype());
  backend::add(into.is_contiguous() ? into : into.clone(),
               gradient.is_contiguous() ? gradient : gradient.clone(), sum);
  into = sum;
}

void check_gradient(const Node& node, std::size_t input, const Tensor& gradient) {
  if (gradient.shape() == node.input_shapes[input] && gradient.dtype() == node.input_dtypes[input]) return;
  throw Error(fmt::format("backward of {}: gradient {} of input {} does not fit {} {}", node.name,
                          gradient.text(), input, name_of(node.input_dtypes[input]),
                          node.input_shapes[input].text()));
}

// One walk from the outputs to the leaves, in the reverse order of recording.
class Walk {
 public:
  struct Leaf {
    std::shared_ptr<State> state;
    Tensor gradient;
  };

  explicit Walk(const BackwardOptions& options) : options_(options) {}

  // The walk whose backward functions this thread is in.
  static Walk& current() { return *walking; }

  void seed(const Tensor& output, const Tensor& cotangent) {
    const auto& state = output.autograd_state();
    if (state == nullptr || !state->requires_grad)
      throw Error("backward: the output depends on no tensor that requires a gradient");
    Tensor start = cotangent;
    if (!start.defined()) {
      if (output.elements() != 1)
        throw Error(fmt::format("backward from a tensor of shape {}: a cotangent of that shape is needed",
                                output.shape().text()));
      start = Tensor::full(output.shape(), 1, output.dtype());
    }
    if (!(start.shape() == output.shape()) || start.dtype() != output.dtype())
      throw Error(fmt::format("backward: cotangent {} for an output {}", start.text(), output.text()));
    add(state, start);
  }

  void watch(const Tensor& input) {
    if (const auto& state = input.autograd_state()) found_.emplace(state.get(), Tensor());
  }

  Tensor found(const Tensor& input) const {
    const auto place = found_.find(input.autograd_state().get());
    return place == found_.end() ? Tensor() : place->second;
  }

  void run() {
    const NoGrad no_grad;
    const Current current(this);
    while (!pending_.empty()) {
      const auto newest = std::prev(pending_.end());
      const std::shared_ptr<Node> node = newest->second.node;
      Tensors output_gradients = std::move(newest->second.gradients);
      pending_.erase(newest);
      for (auto& [state, gradient] : found_)
        if (state->node == node) gradient = output_gradients[state->index];
      walk_node(*node, output_gradients);
    }
    for (auto& [state, gradient] : leaves_)
      if (const auto place = found_.find(state.get()); place != found_.end()) place->second = gradient;
  }

  const std::vector<Leaf>& leaves() const { return leaves_; }

  // A gradient that a part of the graph adds to a leaf that is none of its inputs.
  void add_to_leaf(const Leaf& leaf) { add(leaf.state, leaf.gradient); }

  bool watches(const State* state) const { return found_.contains(state); }

 private:
  struct Pending {
    std::shared_ptr<Node> node;
    Tensors gradients;
  };
  // Makes a walk the current one while it runs: a checkpointed segment walks inside another walk.
  class Current {
   public:
    explicit Current(Walk* walk) : before_(walking) { walking = walk; }
    ~Current() { walking = before_; }
    Current(const Current&) = delete;
    Current& operator=(const Current&) = delete;

   private:
    Walk* before_;
  };

  void walk_node(Node& node, const Tensors& output_gradients) {
    if (!node.backward)
      throw Error(
          fmt::format("backward of {}: the graph was already walked; ask for retain_graph", node.name));
    const Tensors input_gradients = node.backward(output_gradients);
    if (!options_.retain_graph) node.backward = nullptr;
    if (input_gradients.size() != node.inputs.size())
      throw Error(fmt::format("backward of {}: {} gradients for {} inputs", node.name, input_gradients.size(),
                              node.inputs.size()));
    for (std::size_t i = 0; i < input_gradients.size(); ++i) {
      if (node.inputs[i] == nullptr || !input_gradients[i].defined()) continue;
      check_gradient(node, i, input_gradients[i]);
      add(node.inputs[i], input_gradients[i]);
    }
  }

  void add(const std::shared_ptr<State>& state, const Tensor& gradient) {
    if (!state->requires_grad) return;
    if (state->node == nullptr) {
      const auto [place, is_new] = leaf_index_.emplace(state.get(), leaves_.size());
      if (is_new)
        leaves_.push_back({state, gradient});
      else
        accumulate(leaves_[place->second].gradient, gradient);
      return;
    }
    Pending& pending = pending_[state->node->id];
    if (pending.node == nullptr) {
      pending.node = state->node;
      pending.gradients.resize(state->node->outputs);
    }
    accumulate(pending.gradients[state->index], gradient);
  }

  BackwardOptions options_;
  std::map<std::uint64_t, Pending> pending_;
  std::vector<Leaf> leaves_;
  std::unordered_map<const State*, std::size_t> leaf_index_;
  std::unordered_map<const State*, Tensor> found_;

  static thread_local Walk* walking;
};

thread_local Walk* Walk::walking = nullptr;

}  // namespace

// A long chain of operations is a long chain of owners: it is destroyed one by one here, never by deep
// recursion.
State::~State() {
  if (node == nullptr) return;
  if (doomed != nullptr) {
    doomed->push_back(std::move(node));
    return;
  }
  std::vector<std::shared_ptr<Node>> queue;
  doomed = &queue;
  queue.push_back(std::move(node));
  while (!queue.empty()) {
    const std::shared_ptr<Node> last = std::move(queue.back());
    queue.pop_back();
  }
  doomed = nullptr;
}

void set_requires_grad(const Tensor& tensor, bool value) {
  if (value && !is_floating(tensor.dtype()))
    throw Error(fmt::format("a tensor of dtype {} cannot require a gradient", name_of(tensor.dtype())));
  State& state = state_of(tensor);
  if (state.node != nullptr)
    throw Error("set_requires_grad on the result of an operation: detach() it first");
  state.requires_grad = value;
}

bool requires_grad(const Tensor& tensor) {
  return tensor.defined() && tensor.autograd_state() != nullptr && tensor.autograd_state()->requires_grad;
}

Tensor grad(const Tensor& leaf) {
  return leaf.autograd_state() == nullptr ? Tensor() : leaf.autograd_state()->grad;
}

void set_grad(const Tensor& leaf, const Tensor& gradient) {
  if (gradient.defined() && !(gradient.shape() == leaf.shape()))
    throw Error(fmt::format("set_grad: gradient {} for a tensor {}", gradient.text(), leaf.text()));
  state_of(leaf).grad = gradient;
}

void clear_grad(const Tensor& leaf) {
  if (leaf.autograd_state() != nullptr) leaf.autograd_state()->grad = Tensor();
}

void backward(const Tensor& output, const Tensor& cotangent, const BackwardOptions& options) {
  Walk walk(options);
  walk.seed(output, cotangent);
  walk.run();
  for (const auto& [state, gradient] : walk.leaves()) accumulate(state->grad, gradient);
}

Tensors gradients(const Tensors& outputs, const Tensors& inputs, const Tensors& cotangents,
                  const BackwardOptions& options) {
  if (!cotangents.empty() && cotangents.size() != outputs.size())
    throw Error(fmt::format("gradients: {} cotangents for {} outputs", cotangents.size(), outputs.size()));
  Walk walk(options);
  for (const Tensor& input : inputs) walk.watch(input);
  for (std::size_t i = 0; i < outputs.size(); ++i)
    walk.seed(outputs[i], cotangents.empty() ? Tensor() : cotangents[i]);
  walk.run();
  Tensors result;
  for (const Tensor& input : inputs) result.push_back(walk.found(input));
  return result;
}

NoGrad::NoGrad() : before_(recording) {
  recording = false;
}
NoGrad::~NoGrad() {
  recording = before_;
}
WithGrad::WithGrad() : before_(recording) {
  recording = true;
}
WithGrad::~WithGrad() {
  recording = before_;
}

bool is_recording(std::span<const Tensor> inputs) {
  return recording && std::ranges::any_of(inputs, [](const Tensor& tensor) { return requires_grad(tensor); });
}
bool is_recording(std::initializer_list<Tensor> inputs) {
  return is_recording(std::span(inputs.begin(), inputs.size()));
}

void record(const char* name, const Tensors& inputs, const Tensors& outputs, BackwardFunction backward) {
  auto node = std::make_shared<Node>();
  node->name = name;
  node->id = next_id++;
  node->outputs = outputs.size();
  node->backward = std::move(backward);
  for (const Tensor& input : inputs) {
    node->inputs.push_back(requires_grad(input) ? input.autograd_state() : nullptr);
    node->input_shapes.push_back(input.defined() ? input.shape() : Shape());
    node->input_dtypes.push_back(input.defined() ? input.dtype() : DType::f32);
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    auto state = std::make_shared<State>();
    state->requires_grad = true;
    state->node = node;
    state->index = i;
    outputs[i].autograd_state() = std::move(state);
  }
}

Tensors checkpoint(const std::function<Tensors(const Tensors&)>& segment, const Tensors& inputs) {
  Tensors detached, outputs;
  std::vector<bool> needed;
  for (const Tensor& input : inputs) {
    detached.push_back(input.defined() ? input.detach() : Tensor());
    needed.push_back(requires_grad(input));
  }
  {
    const NoGrad no_grad;
    outputs = segment(detached);
  }
  // A segment may return an input, or a leaf it refers to, as it came: recorded as an output, that object
  // would own the operation that owns it.
  for (Tensor& output : outputs)
    if (output.defined()) output = output.detach();
  // The segment may refer to leaves that are not among its inputs, so it is recorded whatever the inputs
  // need.
  if (!recording) return outputs;
  record("checkpoint", inputs, outputs, [segment, detached, needed](const Tensors& output_gradients) {
    Tensors again_inputs;
    for (std::size_t i = 0; i < detached.size(); ++i) {
      again_inputs.push_back(detached[i].defined() ? detached[i].detach() : Tensor());
      if (needed[i]) set_requires_grad(again_inputs[i]);
    }
    Tensors again;
    {
      const WithGrad with_grad;
      again = segment(again_inputs);
    }
    Walk walk({});
    for (const Tensor& input : again_inputs)
      if (input.defined()) walk.watch(input);
    for (std::size_t i = 0; i < again.size(); ++i)
      if (output_gradients[i].defined() && requires_grad(again[i])) walk.seed(again[i], output_gradients[i]);
    walk.run();
    for (const auto& leaf : walk.leaves())
      if (!walk.watches(leaf.state.get())) Walk::current().add_to_leaf(leaf);
    Tensors gradients;
    for (const Tensor& input : again_inputs)
      gradients.push_back(requires_grad(input) ? walk.found(input) : Tensor());
    return gradients;
  });
  return outputs;
}

}  // namespace attend::autograd
