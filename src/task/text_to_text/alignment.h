#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "attend/explain/attention_maps.h"
#include "attend/model/encoder_decoder.h"
#include "attend/task/text_to_text.h"
#include "task/text_to_text/data.h"

namespace attend::task {

/// Where the decoder looked in a source while it wrote a target: maps of its layers' attention between the
/// two, by pieces. `source` has its end, which is a key; `target` has none. Off the tape.
explain::AttentionMaps cross_attention(const model::EncoderDecoder& model,
                                       const std::vector<std::int32_t>& source,
                                       const std::vector<std::int32_t>& target,
                                       const PairTokenizers& tokenizers);

/// For each word of the target the word of the source that the head looked at most: (source, target), counted
/// from 0. A word that looked at the end of the source most has none.
std::vector<std::pair<std::int64_t, std::int64_t>> word_alignment(const explain::AttentionMaps& pieces,
                                                                  const AlignmentHead& head);

/// How well each head aligns the pairs that it is shown, by what needs no reference: target pieces that occur
/// once in the source as well (names, numbers, punctuation) should look at themselves there.
class AlignmentScore {
 public:
  void add(const explain::AttentionMaps& pieces);
  /// The head with the largest share of hits; the sharper one of equals.
  AlignmentHead best() const;

 private:
  std::int64_t heads_ = 0, shared_ = 0, rows_ = 0;
  std::vector<double> hits_, sharpness_;  // [layers * heads]
};

}  // namespace attend::task
