#pragma once

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "attend/base/error.h"
#include "attend/task/generate.h"
#include "io/printable.h"

namespace attend::task {

/// Accepted values of an option, and whether a resumed training may change it.
template <class T>
struct Range {
  T least, most;
  bool may_change = false;

  void check(std::string_view name, T value) const {
    if (value >= least && value <= most) return;
    throw Error(fmt::format("{} {}: a value from {} to {} is accepted", name, value, least, most));
  }
};

struct Words {
  std::vector<std::string> accepted;
  bool may_change = false;

  void check(std::string_view name, const std::string& value) const {
    for (const std::string& word : accepted) {
      if (word == value) return;
    }
    throw Error(fmt::format("{} {}: {} are accepted", name, io::printable(value), fmt::join(accepted, ", ")));
  }
};

struct Anything {
  bool may_change = false;
  template <class T>
  void check(std::string_view, const T&) const {}
};

/// Calls visit(key, field, accepted values) for every option but the model's: the one list of them.
template <class Options, class Visit>
void for_each_option(Options& o, Visit&& visit) {
  constexpr std::int64_t kMany = std::int64_t{1} << 40;
  using Whole = Range<std::int64_t>;
  using Real = Range<double>;
  visit("preset", o.preset, Anything{true});
  visit("tokenizer", o.tokenizer.kind, Words{{"char", "byte", "bpe", "unigram"}});
  visit("vocabulary", o.tokenizer.vocabulary, Whole{320, 1000000});
  visit("batch", o.batch, Whole{1, 1 << 20});
  visit("accumulate", o.accumulate, Whole{1, 1 << 20});
  visit("steps", o.steps, Whole{0, kMany, true});
  visit("minutes", o.minutes, Real{0, 1e9, true});
  visit("learning_rate", o.learning_rate, Real{1e-12, 1e3, true});
  visit("minimum_learning_rate", o.minimum_learning_rate, Real{0, 1e3, true});
  visit("warmup", o.warmup, Whole{0, kMany, true});
  visit("schedule", o.schedule, Words{{"cosine", "linear", "constant", "inverse-sqrt"}, true});
  visit("beta1", o.beta1, Real{0, std::nextafter(1.0, 0.0)});
  visit("beta2", o.beta2, Real{0, std::nextafter(1.0, 0.0)});
  visit("weight_decay", o.weight_decay, Real{0, 1e3});
  visit("clip", o.clip, Real{0, 1e12});
  visit("label_smoothing", o.label_smoothing, Real{0, 0.999});
  visit("precision", o.precision, Words{{"auto", "f32", "bf16"}});
  visit("evaluate_every", o.evaluate_every, Whole{0, kMany, true});
  visit("save_every", o.save_every, Whole{0, kMany, true});
  visit("patience", o.patience, Whole{0, kMany, true});
  visit("recompute", o.recompute, Anything{true});
  visit("seed", o.seed, Anything{});
}

}  // namespace attend::task
