#pragma once

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "attend/attention/cache.h"
#include "attend/attention/mechanism.h"
#include "attend/base/error.h"
#include "attend/model/positions.h"
#include "attend/nn/feed_forward.h"
#include "attend/nn/norm.h"

/// What the keys of a model's configuration accept.
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

/// The names of attention mechanisms that can do a part of a model's work.
struct MechanismName {
  bool (*fits)(const attention::Mechanism& mechanism);
  const char* misfit;  ///< what the others do

  std::string text() const {
    std::string result = "one of";
    for (const attention::Mechanism& mechanism : attention::mechanisms())
      if (fits(mechanism))
        result += fmt::format("{} \"{}\"", result.back() == '"' ? "," : "", mechanism.name);
    return result;
  }
  void check(std::string_view key, const std::string& value) const {
    if (!fits(attention::find_mechanism(value)))
      throw Error(fmt::format("{} {} {}: {} needed", key, value, misfit, text()));
  }
};

/// True when no token sees one that follows, as a model that predicts the next token needs, and it can be
/// asked for token by token.
inline bool is_causal_mechanism(const attention::Mechanism& mechanism) {
  return mechanism.has_causal_form && attention::can_decode(mechanism.spec(true));
}

inline constexpr MechanismName kCausalMechanism{is_causal_mechanism, "lets a token see those that follow"};

/// True when every token may see every other, and nothing is drawn that only a loss of each
/// token could teach.
inline bool fits_encoder(const attention::Mechanism& mechanism) {
  const AttentionSpec spec = mechanism.spec(false);
  return spec.place.mask == attention::Place::Mask::none &&
         spec.weigh.kind != attention::Weigh::Kind::reinforce;
}

inline constexpr MechanismName kEncoderMechanism{fits_encoder,
                                                 "is causal or learns from the loss of each token alone"};

/// The heads of a model, and how it knows places.
struct HeadSizes {
  std::int64_t dim, heads, key_heads;  ///< key_heads: 0 means heads
  Positions positions;
};

/// Throws Error naming the keys and numbers that do not fit together; `dim` is the key that heads divide.
void check(const HeadSizes& sizes, const char* dim = "dim");

}  // namespace attend::model
