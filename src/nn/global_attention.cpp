#include "attend/nn/global_attention.h"

#include <fmt/format.h>

#include <optional>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/op/shape.h"
#include "nn/grouped_observer.h"

namespace attend::nn {

namespace {

const AttentionSpec& checked(std::int64_t dim, const GlobalAttentionOptions& options) {
  if (dim < 1 || options.heads < 1 || dim % options.heads != 0)
    throw Error(fmt::format("attention to states of {} features with {} heads: heads must divide them", dim,
                            options.heads));
  const AttentionSpec& spec = options.attention;
  if (attention::depends_on_places(spec.place))
    throw Error("attention to other states: places in two sequences have no distance, so none may count");
  if (spec.fuse.gate || spec.fuse.kind != attention::Fuse::Kind::concatenate ||
      spec.gather.kind != attention::Gather::Kind::weighted_sum)
    throw Error(
        "attention to other states: a mechanism that weighs them, with its heads side by side, needed");
  return spec;
}

}  // namespace

GlobalAttention::GlobalAttention(std::int64_t dim, const GlobalAttentionOptions& options, Generator& random)
    : dim_(dim),
      heads_(options.heads),
      attention_(checked(dim, options)),
      learned_(attention::initial_parameters(attention_, {.heads = heads_, .dim = dim / heads_}, random)) {
  attention::for_each(learned_, [&](const std::string& name, Tensor& tensor) {
    add_parameter(name, tensor, tensor.rank() > 1);
  });
}

GlobalAttention::Memory GlobalAttention::prepare(const Tensor& states) const {
  if (states.rank() != 3 || states.dim(2) != dim_)
    throw Error(fmt::format("attention to states {}: [batch, length, {}] needed", states.text(), dim_));
  const Tensor values = op::reshape(states, {states.dim(0), states.dim(1), heads_, dim_ / heads_});
  return {attention::prepared_keys(values, heads_, attention_, learned_), values};
}

Tensor GlobalAttention::forward(const Tensor& x, const Memory& memory, const attention::Run& run) const {
  if (x.rank() != 3 || x.dim(2) != dim_)
    throw Error(fmt::format("attention of states {}: [batch, queries, {}] needed", x.text(), dim_));
  attention::Run of_memory = run;
  of_memory.parameters = learned_;
  of_memory.keys_are_prepared = true;
  const Tensor query = op::reshape(x, {x.dim(0), x.dim(1), heads_, dim_ / heads_});
  return op::reshape(attention::attend(query, memory.keys, memory.values, attention_, of_memory), x.shape());
}

Tensor GlobalAttention::forward(const Tensor& x, const Memory& memory, const RowGroups& groups,
                                const attention::Run& run) const {
  const autograd::NoGrad no_grad;
  if (groups.is_one_to_one()) return forward(x, memory, run);
  attention::Run of_groups = run;
  std::optional<GroupedObserver> observer;
  if (run.observer != nullptr) of_groups.observer = &observer.emplace(*run.observer, groups);
  return groups.ungrouped(forward(groups.grouped(x), memory, of_groups));
}

}  // namespace attend::nn
