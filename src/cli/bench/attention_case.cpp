#include "cli/bench/attention_case.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <fstream>
#include <limits>

#include "attend/attention/mechanism.h"
#include "attend/attention/score_function.h"
#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/nn/initialise.h"
#include "attend/op/cast.h"
#include "attention/mask_table.h"

namespace attend::cli::bench {

namespace {

// x + x^3 / 100: odd and growing, and as cheap as a score that somebody would write.
const auto kOwnScore =
    attention::score_function([](auto s) { return s * (1 + s * s * static_cast<decltype(s)>(0.01)); },
                              [](auto s) { return 1 + s * s * static_cast<decltype(s)>(0.03); });

// Changes the spec as the options say and adds that to the name.
void change(AttentionCase& subject, const AttentionOptions& options) {
  AttentionSpec& spec = subject.spec;
  const auto note = [&](const std::string& text) {
    subject.name += " " + text;
    subject.is_plain = false;
  };
  if (options.dropout > 0) {
    spec.weigh.dropout = options.dropout;
    note(fmt::format("dropout {}", options.dropout));
  }
  if (options.soft_cap > 0) {
    spec.score.soft_cap = options.soft_cap;
    note(fmt::format("soft cap {}", options.soft_cap));
  }
  if (options.window > 0) {
    spec.place.window = options.window;
    note(fmt::format("window {}", options.window));
  }
  if (options.callable) {
    spec.score.function = kOwnScore;
    note("callable");
  }
}

}  // namespace

std::string text_of(const AttentionShape& s) {
  const std::string heads =
      s.heads == s.key_heads ? fmt::format("{}", s.heads) : fmt::format("{}:{}", s.heads, s.key_heads);
  return fmt::format("B {} T {} H {} D {}", s.batch, s.length, heads, s.dim);
}

std::vector<AttentionShape> shapes_of(const AttentionOptions& options,
                                      const std::vector<AttentionShape>& usual) {
  if (!options.length && !options.batch && !options.heads && !options.key_heads && !options.dim) return usual;
  constexpr std::int64_t kLength = 4096, kHeads = 8, kDim = 64;
  const std::int64_t heads = options.heads.value_or(kHeads), key_heads = options.key_heads.value_or(heads);
  if (heads % key_heads != 0)
    throw Error(fmt::format("--key-heads {} do not divide --heads {}", key_heads, heads));
  return {{options.batch.value_or(1), options.length.value_or(kLength), heads, key_heads,
           options.dim.value_or(kDim)}};
}

std::vector<AttentionCase> cases_of(const AttentionOptions& options, bool causal) {
  std::vector<std::string> names = options.mechanisms;
  if (std::ranges::find(names, "all") != names.end()) {
    names.clear();
    for (const attention::Mechanism& mechanism : attention::mechanisms()) names.emplace_back(mechanism.name);
  }
  std::vector<AttentionCase> cases;
  for (const std::string& name : names) {
    const attention::Mechanism& mechanism = attention::find_mechanism(name);
    if (causal && !mechanism.has_causal_form) continue;
    AttentionCase subject = {std::string(mechanism.name), mechanism.spec(causal),
                             mechanism.name == "scaled_dot"};
    // Causal by itself: not twice.
    if (!causal && subject.spec.place.mask == attention::Place::Mask::causal) continue;
    change(subject, options);
    cases.push_back(subject);
  }
  return cases;
}

std::int64_t allowed_pairs(const attention::Place& place, std::int64_t length) {
  using backend::AttentionPlace;
  const auto table = attention::MaskTable::of(place, {}, 1, length, length);
  if (table == nullptr) return length * length;
  const AttentionPlace view = table->view();
  std::int64_t pairs = 0;
  if (view.blocks == nullptr) {
    for (std::int64_t i = 0; i < length; ++i) pairs += view.end_key[i] - view.first_key[i];
    return pairs;
  }
  constexpr std::int64_t kBlock = AttentionPlace::kBlock;
  const std::int64_t blocks = (length + kBlock - 1) / kBlock;
  const auto side = [&](std::int64_t block) { return std::min(kBlock, length - block * kBlock); };
  for (std::int64_t i = 0; i < blocks; ++i)
    for (std::int64_t j = 0; j < blocks; ++j) {
      const std::uint32_t kind = view.blocks[i * blocks + j];
      if (kind == AttentionPlace::kFull) pairs += side(i) * side(j);
      if (kind < AttentionPlace::kFirstBits) continue;
      const std::uint64_t* bits = view.bits_by_query + (kind - AttentionPlace::kFirstBits) * kBlock;
      for (std::int64_t r = 0; r < kBlock; ++r) pairs += std::popcount(bits[r]);
    }
  return pairs;
}

Tensor random_tensor(const Shape& shape, DType dtype, std::uint64_t stream) {
  const autograd::NoGrad no_grad;
  return op::cast(nn::normal(shape, 1, {1, stream}), dtype);
}

AttentionInputs random_inputs(const AttentionShape& s, const AttentionSpec& spec, DType dtype) {
  AttentionInputs inputs;
  const Shape of_keys = {s.batch, s.length, s.key_heads, s.dim};
  inputs.query = random_tensor({s.batch, s.length, s.heads, s.dim}, dtype, 1);
  inputs.key = random_tensor(of_keys, dtype, 2);
  inputs.value = random_tensor(of_keys, dtype, 3);
  const bool one_answer = spec.fuse.kind != attention::Fuse::Kind::concatenate;
  inputs.cotangent = random_tensor({s.batch, s.length, one_answer ? 1 : s.heads, s.dim}, dtype, 4);
  constexpr std::uint64_t kFirstStream = 10;
  Generator random(1, kFirstStream);
  inputs.run = {.training = true, .random = random.next()};
  inputs.run.parameters =
      attention::initial_parameters(spec, {.heads = s.heads, .dim = s.dim, .keys = s.length}, random);
  if (spec.fuse.gate) inputs.run.parameters.gate = Tensor::full({s.batch, s.length, s.heads}, 0.5);
  for (const Tensor& tensor : {inputs.query, inputs.key, inputs.value}) autograd::set_requires_grad(tensor);
  attention::for_each(inputs.run.parameters,
                      [](const std::string&, Tensor& parameter) { autograd::set_requires_grad(parameter); });
  return inputs;
}

std::int64_t available_memory() {
  std::ifstream file("/proc/meminfo");
  constexpr std::int64_t kKibibyte = 1024;
  for (std::string word; file >> word;) {
    std::int64_t kibibytes = 0;
    if (word == "MemAvailable:" && file >> kibibytes) return kKibibyte * kibibytes;
  }
  return std::numeric_limits<std::int64_t>::max();
}

}  // namespace attend::cli::bench
