#pragma once

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "attend/attention/cache.h"
#include "attend/attention/mechanism.h"
#include "attend/base/error.h"
#include "attend/model/gpt_config.h"

namespace attend::model {

/// Accepted values of an integer key.
struct IntegerRange {
  std::int64_t low, high;
  std::string text() const { return fmt::format("an integer from {} to {}", low, high); }
  void check(std::string_view key, std::int64_t value) const {
    if (value < low || value > high) throw Error(fmt::format("{} {}: {} needed", key, value, text()));
  }
};

/// Accepted values of a number key: low <= value < high, or low < value < high.
struct NumberRange {
  double low, high;
  bool open = false;
  std::string text() const {
    return fmt::format("a number {} {} and below {}", open ? "above" : "from", low, high);
  }
  void check(std::string_view key, double value) const {
    if (!(value >= low && value < high) || (open && value == low))
      throw Error(fmt::format("{} {}: {} needed", key, value, text()));
  }
};

struct Truth {
  std::string text() const { return "true or false"; }
  void check(std::string_view, bool) const {}
};

/// Accepted values of a choice, with their names.
template <class Enum, std::size_t count>
struct Choice {
  std::array<std::pair<Enum, const char*>, count> names;
  std::string text() const {
    std::string result = "one of";
    for (const auto& [value, name] : names)
      result += fmt::format("{} \"{}\"", value == names[0].first ? "" : ",", name);
    return result;
  }
  void check(std::string_view key, Enum value) const { name_of(key, value); }
  const char* name_of(std::string_view key, Enum value) const {
    for (const auto& [known, name] : names)
      if (known == value) return name;
    throw Error(fmt::format("{} {}: {} needed", key, static_cast<int>(value), text()));
  }
};

inline constexpr Choice<nn::NormKind, 2> kNormNames{
    {{{nn::NormKind::layer, "layer"}, {nn::NormKind::rms, "rms"}}}};
inline constexpr Choice<Positions, 3> kPositionNames{{{{Positions::learned, "learned"},
                                                       {Positions::sinusoidal, "sinusoidal"},
                                                       {Positions::rotary, "rotary"}}}};
inline constexpr Choice<nn::HiddenActivation, 7> kActivationNames{
    {{{nn::HiddenActivation::gelu_tanh, "gelu_tanh"},
      {nn::HiddenActivation::gelu, "gelu"},
      {nn::HiddenActivation::relu, "relu"},
      {nn::HiddenActivation::silu, "silu"},
      {nn::HiddenActivation::swiglu, "swiglu"},
      {nn::HiddenActivation::geglu, "geglu"},
      {nn::HiddenActivation::reglu, "reglu"}}}};

/// True when no token sees one that follows, as a model that predicts the next token needs, and it can be
/// asked for token by token.
inline bool fits_gpt(const attention::Mechanism& mechanism) {
  return mechanism.has_causal_form && attention::can_decode(mechanism.spec(true));
}

/// The names of attention mechanisms that fit.
struct CausalMechanism {
  std::string text() const {
    std::string result = "one of";
    for (const attention::Mechanism& mechanism : attention::mechanisms())
      if (fits_gpt(mechanism))
        result += fmt::format("{} \"{}\"", result.back() == '"' ? "," : "", mechanism.name);
    return result;
  }
  void check(std::string_view key, const std::string& value) const {
    if (!fits_gpt(attention::find_mechanism(value)))
      throw Error(fmt::format("{} {} lets a token see those that follow: {} needed", key, value, text()));
  }
};

/// Calls visit(key, field, accepted values) for every field of a configuration: the one list of them.
template <class Config, class Visit>
void for_each_field(Config& config, Visit&& visit) {
  constexpr std::int64_t kMany = 1 << 24;
  visit("vocabulary", config.vocabulary, IntegerRange{1, kMany});
  visit("context", config.context, IntegerRange{1, kMany});
  visit("layers", config.layers, IntegerRange{1, 10000});
  visit("heads", config.heads, IntegerRange{1, 65536});
  visit("key_heads", config.key_heads, IntegerRange{0, 65536});
  visit("dim", config.dim, IntegerRange{1, 1 << 20});
  visit("feed_forward", config.feed_forward, IntegerRange{0, kMany});
  visit("norm", config.norm, kNormNames);
  visit("norm_epsilon", config.norm_epsilon, NumberRange{0, 1, true});
  visit("positions", config.positions, kPositionNames);
  visit("rotary_base", config.rotary_base, NumberRange{1, 1e12, true});
  visit("attention", config.attention, CausalMechanism{});
  visit("activation", config.activation, kActivationNames);
  visit("tied_embeddings", config.tied_embeddings, Truth{});
  visit("bias", config.bias, Truth{});
  visit("dropout", config.dropout, NumberRange{0, 1});
  visit("initialisation_std", config.initialisation_std, NumberRange{0, 10});
}

}  // namespace attend::model
