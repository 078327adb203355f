#include "attention/validate.h"

#include <fmt/format.h>

#include <cmath>
#include <string>
#include <string_view>

#include "attend/base/error.h"

namespace attend::attention {

namespace {

// Places and distances are kept in 32 bits, and products of two of them in 64.
constexpr std::int64_t kMost = INT32_MAX;

template <class Value>
[[noreturn]] void refuse(std::string_view field, const Value& value, std::string_view accepted) {
  throw Error(fmt::format("attention: {} {} given, {} needed", field, value, accepted));
}

void check_integer(std::string_view field, std::int64_t value, std::int64_t least) {
  if (value < least || value > kMost) refuse(field, value, fmt::format("{} to {}", least, kMost));
}

void check_finite(std::string_view field, double value) {
  if (!std::isfinite(value)) refuse(field, value, "a finite number");
}

void check_above_zero(std::string_view field, double value) {
  if (!(value > 0) || !std::isfinite(value)) refuse(field, value, "a finite number above 0");
}

void check(const Score& score) {
  check_finite("scale", score.scale);
  if (!(score.soft_cap >= 0) || !std::isfinite(score.soft_cap))
    refuse("soft_cap", score.soft_cap, "a finite number from 0");
}

void check_buckets(const Place& place) {
  const bool both_sides = place.mask != Place::Mask::causal;
  check_integer("bucket_count", place.bucket_count, both_sides ? 4 : 2);
  if (both_sides && place.bucket_count % 2 != 0)
    refuse("bucket_count", place.bucket_count, "an even number, half of the buckets for each side,");
  // Up to here each distance has a bucket of its own.
  const std::int64_t exact = place.bucket_count / (both_sides ? 4 : 2);
  check_integer("bucket_distance", place.bucket_distance, exact + 1);
}

void check(const Weigh& weigh) {
  check_above_zero("temperature", weigh.temperature);
  if (weigh.kind == Weigh::Kind::top_k) check_integer("count", weigh.count, 1);
  check_finite("sigmoid_bias", weigh.sigmoid_bias);
  if (weigh.sink && weigh.kind != Weigh::Kind::softmax && weigh.kind != Weigh::Kind::top_k)
    throw Error("attention: sink true given, but only the weights softmax and top_k have one");
  if (!(weigh.dropout >= 0 && weigh.dropout < 1))
    refuse("dropout", weigh.dropout, "a number from 0 and below 1");
}

std::string_view name_of(Gather::Kind kind) {
  switch (kind) {
    case Gather::Kind::weighted_sum:
      return "weighted sum";
    case Gather::Kind::kernelised:
      return "kernelised";
    case Gather::Kind::performer:
      return "performer";
    case Gather::Kind::linformer:
      return "linformer";
    case Gather::Kind::nystrom:
      return "nystrom";
  }
  return "unknown";
}

// The methods that replace the steps before take the defaults there.
void check_replaced_steps(const AttentionSpec& spec) {
  const Gather::Kind kind = spec.gather.kind;
  const auto fail = [&](const std::string& why) {
    throw Error(fmt::format("{} attention {}", name_of(kind), why));
  };
  const Place& place = spec.place;
  const bool has_features = kind == Gather::Kind::kernelised || kind == Gather::Kind::performer;
  if (place.mask == Place::Mask::causal && !has_features)
    fail("mixes all keys before a query reads them: it cannot be causal");
  if (place.prefix != 0 || place.window != 0 || place.dilation != 1 || place.global_tokens != 0 ||
      place.block != 0 || place.function != nullptr)
    fail(has_features ? "takes the masks none and causal and key lengths, no other"
                      : "takes key lengths and no other mask");
  if (place.positions != Place::Positions::none)
    fail("has no scores to which positions could add: use positions of the inputs, such as rotary ones");
  if (spec.score.kind != Score::Kind::dot || spec.score.soft_cap != 0 || spec.score.function != nullptr)
    fail("has a score of its own: the spec's must be the plain dot product");
  if (kind == Gather::Kind::kernelised && spec.score.scale != 0)
    fail(fmt::format("has no scale: {} given, 0 (the default) needed", spec.score.scale));
  if (!(spec.score.scale >= 0)) fail(fmt::format("needs a scale of at least 0, {} given", spec.score.scale));
  const Weigh& weigh = spec.weigh;
  if (weigh.kind != Weigh::Kind::softmax || weigh.temperature != 1 || weigh.sink || weigh.talking_heads)
    fail("has weights of its own: the spec's must be plain softmax");
  if (weigh.dropout != 0)
    fail(fmt::format("never makes the weights, so none can be dropped: dropout {} given, 0 needed",
                     weigh.dropout));
  if (kind != Gather::Kind::kernelised) check_integer("features", spec.gather.features, 1);
  if (kind == Gather::Kind::nystrom) check_integer("iterations", spec.gather.iterations, 1);
}

}  // namespace

void validate(const Place& place) {
  check_integer("prefix", place.prefix, 0);
  check_integer("window", place.window, 0);
  check_integer("dilation", place.dilation, 1);
  check_integer("global_tokens", place.global_tokens, 0);
  check_integer("block", place.block, 0);
  if (place.block > 0) {
    check_integer("window_blocks", place.window_blocks, 0);
    check_integer("global_blocks", place.global_blocks, 0);
    check_integer("random_blocks", place.random_blocks, 0);
  }
  if (place.positions == Place::Positions::buckets) check_buckets(place);
  if (place.positions == Place::Positions::shaw) check_integer("clip", place.clip, 1);
  if (place.positions == Place::Positions::grid) {
    check_integer("grid_rows", place.grid_rows, 1);
    check_integer("grid_columns", place.grid_columns, 1);
  }
  if (place.positions == Place::Positions::span) {
    check_above_zero("span_ramp", place.span_ramp);
    check_integer("span_limit", place.span_limit, 1);
  }
}

void validate(const AttentionSpec& spec) {
  check(spec.score);
  validate(spec.place);
  check(spec.weigh);
  if (spec.gather.kind != Gather::Kind::weighted_sum) check_replaced_steps(spec);
}

}  // namespace attend::attention
