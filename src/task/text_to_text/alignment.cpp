#include "task/text_to_text/alignment.h"

#include <algorithm>

#include "attend/attention/observe.h"
#include "attend/autograd/tape.h"
#include "attend/explain/words.h"

namespace attend::task {

namespace {

class CrossCollector : public attention::Observer {
 public:
  explicit CrossCollector(const model::EncoderDecoderConfig& config)
      : first_(config.cross_layer(0)), last_(config.cross_layer(config.cross_layers() - 1)) {}
  bool wants(std::int64_t layer) override { return layer >= first_ && layer <= last_; }
  void observe(std::int64_t, const Tensor& weights) override {
    heads_ = weights.dim(1);
    const std::vector<float> values = weights.to_vector<float>();
    weights_.insert(weights_.end(), values.begin(), values.end());
  }
  std::int64_t heads() const { return heads_; }
  /// Without the row that writes the end of the target, `rows` to a head.
  std::vector<float> weights(std::size_t rows, std::size_t keys) const {
    std::vector<float> kept;
    for (std::size_t begin = 0; begin < weights_.size(); begin += (rows + 1) * keys)
      kept.insert(kept.end(), weights_.begin() + static_cast<std::ptrdiff_t>(begin),
                  weights_.begin() + static_cast<std::ptrdiff_t>(begin + rows * keys));
    return kept;
  }

 private:
  std::int64_t first_, last_, heads_ = 0;
  std::vector<float> weights_;
};

Tensor row_of(const std::vector<std::int32_t>& ids) {
  return Tensor::from(ids, {1, static_cast<std::int64_t>(ids.size())});
}

std::size_t largest(const float* values, std::size_t count) {
  return static_cast<std::size_t>(std::max_element(values, values + count) - values);
}

}  // namespace

explain::AttentionMaps cross_attention(const model::EncoderDecoder& model,
                                       const std::vector<std::int32_t>& source,
                                       const std::vector<std::int32_t>& target,
                                       const PairTokenizers& tokenizers) {
  const autograd::NoGrad guard;
  const model::EncoderDecoderConfig config = model.encoder_decoder_config();
  CrossCollector collector(config);
  nn::Run run;
  run.observer = &collector;
  std::vector<std::int32_t> read = {tokenizers.target_end()};
  read.insert(read.end(), target.begin(), target.end());
  model.logits(row_of(source), {}, row_of(read), run);
  explain::AttentionMaps maps;
  for (const std::int32_t id : target) maps.queries.emplace_back(tokenizers.target().piece(id));
  for (const std::int32_t id : source)
    maps.keys.emplace_back(id == tokenizers.source_end() ? " </s>"
                                                         : std::string(tokenizers.source().piece(id)));
  maps.layers = config.cross_layers();
  maps.heads = collector.heads();
  maps.weights = collector.weights(target.size(), source.size());
  maps.causal = false;
  return maps;
}

std::vector<std::pair<std::int64_t, std::int64_t>> word_alignment(const explain::AttentionMaps& pieces,
                                                                  const AlignmentHead& head) {
  if (pieces.queries.empty()) return {};
  const explain::AttentionMaps words = explain::merge_words(pieces);
  const std::vector<float> weights = explain::head_weights(words, head.layer, head.head);
  const std::size_t keys = words.keys.size();
  std::vector<std::pair<std::int64_t, std::int64_t>> links;
  for (std::size_t row = 0; row < words.queries.size(); ++row) {
    const std::size_t key = largest(weights.data() + row * keys, keys);
    if (key + 1 < keys) links.emplace_back(key, row);  // the last key is the end
  }
  return links;
}

void AlignmentScore::add(const explain::AttentionMaps& pieces) {
  const std::size_t keys = pieces.keys.size(), rows = pieces.queries.size(),
                    heads = static_cast<std::size_t>(pieces.layers * pieces.heads);
  heads_ = pieces.heads;
  hits_.resize(heads, 0);
  sharpness_.resize(heads, 0);
  rows_ += static_cast<std::int64_t>(rows);
  for (std::size_t row = 0; row < rows; ++row) {
    const std::string& piece = pieces.queries[row];
    const bool once =
        std::ranges::count(pieces.keys, piece) == 1 && std::ranges::count(pieces.queries, piece) == 1;
    const auto place = static_cast<std::size_t>(std::ranges::find(pieces.keys, piece) - pieces.keys.begin());
    shared_ += once ? 1 : 0;
    for (std::size_t head = 0; head < heads; ++head) {
      const float* weights = pieces.weights.data() + (head * rows + row) * keys;
      const std::size_t key = largest(weights, keys);
      sharpness_[head] += weights[key];
      if (once && key == place) ++hits_[head];
    }
  }
}

AlignmentHead AlignmentScore::best() const {
  std::size_t best = 0;
  for (std::size_t head = 1; head < hits_.size(); ++head) {
    if (std::pair(hits_[head], sharpness_[head]) > std::pair(hits_[best], sharpness_[best])) best = head;
  }
  if (hits_.empty()) return {};
  const auto chosen = static_cast<std::int64_t>(best);
  return {.layer = chosen / heads_,
          .head = chosen % heads_,
          .agreement = shared_ == 0 ? 0 : hits_[best] / static_cast<double>(shared_),
          .sharpness = rows_ == 0 ? 0 : sharpness_[best] / static_cast<double>(rows_)};
}

}  // namespace attend::task
