#pragma once

#include <concepts>
#include <type_traits>

#include "attend/task/tag.h"
#include "task/training_fields.h"

namespace attend::task {

/// Calls visit(key, field, accepted values) for every option but the model's: the one list of them.
template <class Options, class Visit>
requires std::same_as<std::remove_const_t<Options>, TagOptions>
void for_each_option(Options& o, Visit&& visit) {
  visit("preset", o.preset, Anything{true});
  visit("char_cnn", o.char_cnn, Range<std::int64_t>{0, 1 << 16});
  visit("head", o.head, Words{{"crf", "softmax"}});
  for_each_encoder_option(o, visit);
  visit("format", o.format, Words{{"auto", "conll", "conllu", "iob2"}});
  visit("tag_column", o.tag_column, Range<std::int64_t>{-1000, 1000});
  visit("skip_bad", o.skip_bad, Anything{});
  visit("token_dropout", o.token_dropout, Range<double>{0, 0.999});
  visit("monitor", o.monitor, Words{{"auto", "f1", "accuracy", "loss"}});
  for_each_training_option(o, visit);
}

}  // namespace attend::task
