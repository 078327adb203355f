#include "attend/train/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>

#include "attend/base/error.h"

namespace attend::train {
namespace {

constexpr std::array<std::pair<Decay, std::string_view>, 4> kNames = {
    {{Decay::constant, "constant"},
     {Decay::linear, "linear"},
     {Decay::cosine, "cosine"},
     {Decay::inverse_square_root, "inverse-sqrt"}}};

}  // namespace

std::string_view name_of(Decay decay) {
  for (const auto& [value, name] : kNames)
    if (value == decay) return name;
  return "unknown";
}

Decay decay_from_name(std::string_view name) {
  for (const auto& [value, known] : kNames)
    if (known == name) return value;
  throw Error(fmt::format(
      "unknown learning-rate schedule '{}'; accepted: constant, linear, cosine, inverse-sqrt", name));
}

void Schedule::check() const {
  if (!(maximum > 0) || !std::isfinite(maximum))
    throw Error(fmt::format("the learning rate is {}, accepted: above 0", maximum));
  if (!(minimum >= 0) || !(minimum <= maximum))
    throw Error(fmt::format("the minimum learning rate is {}, accepted: 0 to the learning rate, {}", minimum,
                            maximum));
  if (warmup < 0) throw Error(fmt::format("the warm-up is {} updates, accepted: 0 or more", warmup));
}

double Schedule::at(std::int64_t step, std::int64_t steps) const {
  const double all = static_cast<double>(std::max<std::int64_t>(steps, 1));
  return at(step, static_cast<double>(step) / all, static_cast<double>(warmup) / all);
}

double Schedule::at(std::int64_t step, double fraction, double warmup_fraction) const {
  if (step < warmup) return maximum * static_cast<double>(step + 1) / static_cast<double>(warmup);
  const double rest = 1 - warmup_fraction;
  const double x = rest > 0 ? std::clamp((fraction - warmup_fraction) / rest, 0.0, 1.0) : 1.0;
  switch (decay) {
    case Decay::constant:
      return maximum;
    case Decay::linear:
      return std::lerp(maximum, minimum, x);
    case Decay::cosine:
      return std::lerp(minimum, maximum, (1 + std::cos(std::numbers::pi * x)) / 2);
    case Decay::inverse_square_root: {
      const double w = static_cast<double>(std::max<std::int64_t>(warmup, 1));
      return std::max(minimum, maximum * std::sqrt(w / static_cast<double>(step + 1)));
    }
  }
  return maximum;
}

}  // namespace attend::train
