#pragma once

#include <cmath>
#include <cstdint>

#include "attend/task/training.h"
#include "task/option_ranges.h"

namespace attend::task {

/// Calls visit(key, field, accepted values) for every option that the trainings of all tasks share: the one
/// list of them. A task's own for_each_option calls it after the options of its own.
template <class Options, class Visit>
void for_each_training_option(Options& o, Visit&& visit) {
  constexpr std::int64_t kMany = std::int64_t{1} << 40;
  using Whole = Range<std::int64_t>;
  using Real = Range<double>;
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
  visit("ema_decay", o.ema_decay, Real{0, std::nextafter(1.0, 0.0)});
  visit("precision", o.precision, Words{{"auto", "f32", "bf16"}});
  visit("evaluate_every", o.evaluate_every, Whole{0, kMany, true});
  visit("save_every", o.save_every, Whole{0, kMany, true});
  visit("patience", o.patience, Whole{0, kMany, true});
  visit("recompute", o.recompute, Anything{true});
  visit("seed", o.seed, Anything{});
}

/// The same for what an encoder starts with.
template <class Options, class Visit>
void for_each_start_option(Options& o, Visit&& visit) {
  visit("init", o.start.init, Anything{});
  visit("word_vectors", o.start.word_vectors, Anything{});
}

/// The same for the options that the tasks with an encoder share beside them.
template <class Options, class Visit>
void for_each_encoder_option(Options& o, Visit&& visit) {
  visit("tokenizer", o.tokenizer.kind, Words{{"char", "byte", "bpe", "unigram", "word"}});
  visit("vocabulary", o.tokenizer.vocabulary, Range<std::int64_t>{320, 1000000});
  for_each_start_option(o, visit);
}

/// Throws Error naming an option that is out of its range.
template <class Options>
void check_ranges(const Options& options) {
  for_each_option(
      options, [](const char* key, const auto& value, const auto& accepted) { accepted.check(key, value); });
}

/// Throws Error when steps, minutes and learning rates do not fit each other.
void check_limits(const TrainingOptions& options);

}  // namespace attend::task
