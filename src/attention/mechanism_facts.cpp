// What the table of mechanisms tells, derived from the specs.

#include <fmt/format.h>

#include "attend/attention/cache.h"
#include "attend/attention/mechanism.h"
#include "attend/attention/parameters.h"
#include "attend/base/error.h"
#include "attention/lower.h"

namespace attend::attention {

namespace {

std::string score_text(const AttentionSpec& spec) {
  const auto kind = [&]() -> std::string_view {
    switch (spec.score.kind) {
      case Score::Kind::dot:
        return "dot product";
      case Score::Kind::bilinear:
        return "bilinear";
      case Score::Kind::additive:
        return "additive";
      case Score::Kind::cosine:
        return "cosine";
      case Score::Kind::euclidean:
        return "Euclidean";
      case Score::Kind::pearson:
        return "correlation";
    }
    throw Error("attention: an unknown kind of score");
  };
  if (spec.gather.kind == Gather::Kind::kernelised || spec.gather.kind == Gather::Kind::performer)
    return "features";
  return spec.score.soft_cap > 0 ? fmt::format("{} capped at {}", kind(), spec.score.soft_cap)
                                 : std::string(kind());
}

std::string_view positions_text(Place::Positions positions) {
  switch (positions) {
    case Place::Positions::none:
      return "";
    case Place::Positions::alibi:
      return "ALiBi";
    case Place::Positions::alibi_learned:
      return "learned ALiBi";
    case Place::Positions::buckets:
      return "buckets of distances";
    case Place::Positions::shaw:
      return "relative keys and values";
    case Place::Positions::transformer_xl:
      return "relative sinusoids";
    case Place::Positions::span:
      return "learned spans";
    case Place::Positions::grid:
      return "relative rows and columns";
  }
  throw Error("attention: unknown positions");
}

std::string place_text(const Place& place) {
  std::vector<std::string> parts;
  if (place.mask == Place::Mask::causal)
    parts.push_back(place.prefix > 0 ? fmt::format("causal after a prefix of {}", place.prefix) : "causal");
  if (place.window > 0) parts.push_back(fmt::format("window {}", place.window));
  if (place.dilation > 1) parts.push_back(fmt::format("every {}th", place.dilation));
  if (place.global_tokens > 0) parts.push_back(fmt::format("{} global", place.global_tokens));
  if (place.block > 0) parts.push_back(fmt::format("sparse blocks of {}", place.block));
  if (place.function != nullptr) parts.emplace_back("a function");
  if (place.positions != Place::Positions::none) parts.emplace_back(positions_text(place.positions));
  return parts.empty() ? "everywhere" : fmt::format("{}", fmt::join(parts, " and "));
}

std::string weigh_text(const AttentionSpec& spec) {
  const Weigh& weigh = spec.weigh;
  if (spec.gather.kind == Gather::Kind::kernelised || spec.gather.kind == Gather::Kind::performer)
    return "normalised";
  const auto kind = [&]() -> std::string {
    switch (weigh.kind) {
      case Weigh::Kind::softmax:
        return "softmax";
      case Weigh::Kind::sigmoid:
        return "sigmoid";
      case Weigh::Kind::sparsemax:
        return "sparsemax";
      case Weigh::Kind::entmax15:
        return "entmax 1.5";
      case Weigh::Kind::top_k:
        return fmt::format("softmax of the top {}", weigh.count);
      case Weigh::Kind::hard:
        return "largest, straight-through";
      case Weigh::Kind::gumbel:
        return "Gumbel softmax";
      case Weigh::Kind::reinforce:
        return "one draw, REINFORCE";
    }
    throw Error("attention: an unknown kind of weights");
  };
  return kind() + (weigh.temperature != 1 ? fmt::format(" at temperature {}", weigh.temperature) : "") +
         (weigh.sink ? " with a sink" : "") + (weigh.talking_heads ? " between mixed heads" : "");
}

std::string_view gather_text(Gather::Kind kind) {
  switch (kind) {
    case Gather::Kind::weighted_sum:
    case Gather::Kind::kernelised:
      return "weighted sum";
    case Gather::Kind::performer:
      return "weighted sum by random features";
    case Gather::Kind::linformer:
      return "projected keys and values";
    case Gather::Kind::nystrom:
      return "landmarks";
  }
  throw Error("attention: an unknown kind of gathering");
}

std::string fuse_text(const Fuse& fuse) {
  const std::string_view kind = fuse.kind == Fuse::Kind::mean   ? "mean of heads"
                                : fuse.kind == Fuse::Kind::pool ? "weighted pool of heads"
                                                                : "heads side by side";
  return fmt::format("{}{}", kind, fuse.gate ? ", gated" : "");
}

Path path_of(const AttentionSpec& spec) {
  if (spec.gather.kind != Gather::Kind::weighted_sum) return Path::linear;
  return is_fused(spec) ? Path::fused : Path::composite;
}

}  // namespace

std::string_view name_of(Path path) {
  switch (path) {
    case Path::fused:
      return "fused";
    case Path::linear:
      return "linear";
    case Path::composite:
      return "composite";
  }
  throw Error("attention: an unknown path");
}

MechanismFacts facts_of(const Mechanism& mechanism) {
  const AttentionSpec spec = mechanism.spec(false);
  MechanismFacts facts = {
      .steps = fmt::format("{}; {}; {}; {}; {}", score_text(spec), place_text(spec.place), weigh_text(spec),
                           gather_text(spec.gather.kind), fuse_text(spec.fuse)),
      .path = path_of(spec),
      .learned = {},
      .dtypes = {DType::f32, DType::bf16, DType::f64},
      .decode = mechanism.has_causal_form && can_decode(mechanism.spec(true))};
  Generator random(0);
  Parameters parameters = initial_parameters(spec, {.keys = 1}, random);
  for_each(parameters, [&](const std::string& name, Tensor&) { facts.learned.push_back(name); });
  if (spec.fuse.gate) facts.learned.emplace_back("gate");
  return facts;
}

}  // namespace attend::attention
