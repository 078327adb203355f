#pragma once

#include <cstdint>
#include <string_view>

namespace attend::train {

/// How the learning rate goes on after the warm-up.
enum class Decay { constant, linear, cosine, inverse_square_root };

/// "constant", "linear", "cosine", "inverse-sqrt".
std::string_view name_of(Decay decay);
/// The inverse of name_of. Throws Error naming the accepted names.
Decay decay_from_name(std::string_view name);

/// The learning rate during training. Update s = 0, 1, 2 ... of the warm-up, s < warmup, uses
///
///     maximum (s + 1) / warmup
///
/// and later ones, with x = the part of the time after the warm-up that is over, from 0 to 1,
///
///     constant             maximum
///     linear               minimum + (maximum - minimum) (1 - x)
///     cosine               minimum + (maximum - minimum) (1 + cos(pi x)) / 2
///     inverse_square_root  max(minimum, maximum sqrt(w / (s + 1))), w = max(1, warmup)
///
/// (cosine: Loshchilov & Hutter, ICLR 2017; inverse_square_root: Vaswani et al., 2017).
struct Schedule {
  Decay decay = Decay::cosine;
  double maximum = 1e-3;    ///< learning rate at the end of the warm-up; above 0
  double minimum = 0;       ///< learning rate at the end; from 0 to maximum
  std::int64_t warmup = 0;  ///< updates

  /// Throws Error for a value out of its range.
  void check() const;
  /// The learning rate of update `step` of `steps`: x = (step - warmup) / (steps - warmup).
  double at(std::int64_t step, std::int64_t steps) const;
  /// The same when the end is given by something else than updates, such as time: `fraction` of all is over,
  /// and `warmup_fraction` of it was over at the end of the warm-up.
  double at(std::int64_t step, double fraction, double warmup_fraction) const;
};

}  // namespace attend::train
