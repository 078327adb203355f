#include <gtest/gtest.h>

#include "attend/autograd/tape.h"
#include "attend/decode/seq2seq.h"
#include "attend/model/seq2seq.h"
#include "attend/train/optimizer.h"
#include "support/sanitized.h"

namespace attend::decode {
namespace {

constexpr std::int64_t kLetters = 4, kLongest = 4;
constexpr std::int32_t kPadding = 0, kStart = 1, kEnd = 2, kFirstLetter = 3;

/// Rows of letters, each with its length, and the same from right to left.
struct Pairs {
  std::vector<std::int32_t> source, target, targets, lengths;

  Pairs(std::int64_t count, std::uint64_t seed) {
    Generator random(seed);
    for (std::int64_t i = 0; i < count; ++i) {
      std::vector<std::int32_t> letters;
      for (std::uint64_t n = 1 + random.below(kLongest); n > 0; --n)
        letters.push_back(kFirstLetter + static_cast<std::int32_t>(random.below(kLetters)));
      lengths.push_back(static_cast<std::int32_t>(letters.size()));
      for (std::size_t t = 0; t < kLongest; ++t) source.push_back(t < letters.size() ? letters[t] : kPadding);
      target.push_back(kStart);
      for (std::size_t t = 0; t <= kLongest; ++t) {
        const bool is_letter = t < letters.size();
        targets.push_back(is_letter ? letters[letters.size() - 1 - t] : t == letters.size() ? kEnd : -1);
        if (t < kLongest) target.push_back(is_letter ? targets.back() : kPadding);
      }
    }
  }
  std::int64_t rows() const { return static_cast<std::int64_t>(lengths.size()); }
  Tensor source_tensor() const { return Tensor::from(source, {rows(), kLongest}); }
  Tensor lengths_tensor() const { return Tensor::from(lengths, {rows()}); }
};

TEST(Seq2SeqSearch, WritesWhatTheModelLearnedToWrite) {
  for (const bool post_norm : {false, true}) {
    const model::Seq2Seq model({.source_vocabulary = kFirstLetter + kLetters,
                                .target_vocabulary = kFirstLetter + kLetters,
                                .shared_vocabulary = true,
                                .context = 10,
                                .encoder_layers = 1,
                                .decoder_layers = 1,
                                .heads = 4,
                                .dim = 24,
                                .feed_forward = 48,
                                .post_norm = post_norm,
                                .dropout = 0},
                               1);
    train::AdamW optimizer(model.parameters(), {.weight_decay = 0});
    constexpr std::int64_t kSteps = test::kSanitized ? 20 : 300, kBatch = 24;
    double last = 0;
    for (std::int64_t step = 0; step < kSteps; ++step) {
      const Pairs pairs(kBatch, 100 + static_cast<std::uint64_t>(step));
      const Tensor loss = model.loss(pairs.source_tensor(), pairs.lengths_tensor(),
                                     Tensor::from(pairs.target, {kBatch, kLongest + 1}),
                                     Tensor::from(pairs.targets, {kBatch, kLongest + 1}));
      for (const auto& parameter : model.parameters()) autograd::clear_grad(parameter.tensor);
      autograd::backward(loss);
      optimizer.step(1e-2 * std::min(1.0, static_cast<double>(step + 1) / 40) *
                     (1 - static_cast<double>(step) / (kSteps + 1)));
      last = loss.item();
    }
    const Pairs unseen(50, 7);
    const auto found = beam_search(model, unseen.source_tensor(), unseen.lengths_tensor(),
                                   {.beam = {.start = kStart, .end = kEnd, .beam = 3, .max_length = 9}});
    int right = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
      const auto begin = unseen.targets.begin() + static_cast<std::ptrdiff_t>(i) * (kLongest + 1);
      right +=
          std::equal(begin, begin + unseen.lengths[i], found[i][0].tokens.begin(), found[i][0].tokens.end())
              ? 1
              : 0;
    }
    if (test::kSanitized) continue;
    EXPECT_GE(right, 46) << "of 50, post-norm " << post_norm << ", loss " << last;
  }
}

}  // namespace
}  // namespace attend::decode
