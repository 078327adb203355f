#pragma once

#include <concepts>
#include <type_traits>

#include "attend/task/answer.h"
#include "task/training_fields.h"

namespace attend::task {

/// Calls visit(key, field, accepted values) for every option but the model's: the one list of them.
template <class Options, class Visit>
requires std::same_as<std::remove_const_t<Options>, AnswerOptions>
void for_each_option(Options& o, Visit&& visit) {
  visit("preset", o.preset, Anything{true});
  visit("tokenizer", o.tokenizer.kind, Words{{"char", "byte", "bpe", "unigram"}});
  visit("vocabulary", o.tokenizer.vocabulary, Range<std::int64_t>{320, 1000000});
  for_each_start_option(o, visit);
  visit("stride", o.stride, Range<std::int64_t>{1, 1 << 24});
  visit("longest_answer", o.longest_answer, Range<std::int64_t>{1, 1 << 20});
  visit("token_dropout", o.token_dropout, Range<double>{0, 0.999});
  for_each_training_option(o, visit);
}

}  // namespace attend::task
