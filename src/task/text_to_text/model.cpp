#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "attend/base/error.h"
#include "attend/decode/seq2seq.h"
#include "attend/explain/words.h"
#include "attend/model/weights.h"
#include "attend/task/text_to_text_model.h"
#include "task/model_folder.h"
#include "task/option_ranges.h"
#include "task/precision.h"
#include "task/text_to_text/alignment.h"
#include "task/text_to_text/data.h"
#include "task/text_to_text/evaluate.h"

namespace attend::task {

namespace {

using Ids = std::vector<std::int32_t>;

// A target may be so many tokens longer than WriteOptions::longest says.
constexpr std::int64_t kMoreTokens = 20;

/// Rows filled up to the longest.
struct Filled {
  Tensor ids, lengths;
};

Filled filled(const std::vector<Ids>& rows) {
  std::size_t longest = 0;
  for (const Ids& row : rows) longest = std::max(longest, row.size());
  Ids ids(rows.size() * longest, 0), lengths;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::ranges::copy(rows[i], ids.begin() + static_cast<std::ptrdiff_t>(i * longest));
    lengths.push_back(static_cast<std::int32_t>(rows[i].size()));
  }
  const auto count = static_cast<std::int64_t>(rows.size());
  return {Tensor::from(ids, {count, static_cast<std::int64_t>(longest)}), Tensor::from(lengths, {count})};
}

}  // namespace

void validate(const WriteOptions& options) {
  using Whole = Range<std::int64_t>;
  Whole{1, 1024}.check("beam", options.beam);
  Whole{1, options.beam}.check("n-best", options.n_best);
  Range<double>{0, 10}.check("length-penalty", options.length_penalty);
  Range<double>{0, 10}.check("coverage-penalty", options.coverage_penalty);
  Whole{0, 1024}.check("no-repeat", options.no_repeat);
  Range<double>{0, 1e6}.check("longest", options.longest);
  Whole{1, 1 << 16}.check("batch", options.batch);
}

struct TextToText::Content {
  TextToTextConfig config;
  std::optional<PairTokenizers> tokenizers;
  std::unique_ptr<model::EncoderDecoder> model;

  Ids source_ids(std::string_view text) const;
  std::vector<std::vector<Hypothesis>> write_batch(const std::vector<Ids>& sources,
                                                   const WriteOptions& options) const;
};

TextToText::TextToText(const std::filesystem::path& folder, std::string_view precision)
    : content_(std::make_unique<Content>()) {
  const DType dtype = dtype_of_precision(precision);
  Content& content = *content_;
  content.config = read_text_to_text_config(folder);
  content.tokenizers = PairTokenizers::load(folder, content.config.model.shared_vocabulary());
  const auto check = [&](const char* side, std::int64_t tokens, std::int64_t vocabulary) {
    if (tokens + 1 != vocabulary)
      throw Error(
          fmt::format("{}: the {} tokenizer has {} tokens, so that the model needs {}; in {} it has {}",
                      folder.string(), side, tokens, tokens + 1, kConfigFile, vocabulary));
  };
  check("source", content.tokenizers->source_end(), content.config.model.source_vocabulary());
  check("target", content.tokenizers->target_end(), content.config.model.target_vocabulary());
  content.model = model::make_encoder_decoder(content.config.model);
  model::load_parameters(*content.model, folder / kWeightsFile);
  if (dtype == DType::bf16) content.model->cast_parameters(DType::bf16);
}

TextToText::~TextToText() = default;
TextToText::TextToText(TextToText&&) noexcept = default;
TextToText& TextToText::operator=(TextToText&&) noexcept = default;

const TextToTextConfig& TextToText::config() const {
  return content_->config;
}
const model::EncoderDecoder& TextToText::model() const {
  return *content_->model;
}

/// At most as many as the model reads, the last one the end.
Ids TextToText::Content::source_ids(std::string_view text) const {
  Ids ids = tokenizers->encode_source(text);
  const auto most = static_cast<std::size_t>(config.model.context());
  if (ids.size() > most) {
    ids.resize(most);
    ids.back() = tokenizers->source_end();
  }
  return ids;
}

std::vector<std::vector<Hypothesis>> TextToText::Content::write_batch(const std::vector<Ids>& sources,
                                                                      const WriteOptions& options) const {
  const Filled source = filled(sources);
  const auto found = decode::beam_search(*model, source.ids, source.lengths,
                                         {.beam = {.start = tokenizers->target_end(),
                                                   .end = tokenizers->target_end(),
                                                   .beam = options.beam,
                                                   .n_best = options.n_best,
                                                   .length_penalty = options.length_penalty,
                                                   .coverage_penalty = options.coverage_penalty,
                                                   .max_length = config.model.context(),
                                                   .max_ratio = options.longest,
                                                   .max_extra = kMoreTokens,
                                                   .no_repeat = options.no_repeat}});
  std::vector<std::vector<Hypothesis>> written(sources.size());
  for (std::size_t i = 0; i < sources.size(); ++i) {
    for (const decode::Hypothesis& one : found[i]) {
      Hypothesis hypothesis{.text = tokenizers->target().decode(one.tokens),
                            .score = one.score,
                            .log_probability = one.log_probability,
                            .tokens = static_cast<std::int64_t>(one.tokens.size()) + 1};
      if (options.alignment)
        hypothesis.alignment =
            word_alignment(cross_attention(*model, sources[i], one.tokens, *tokenizers), *config.alignment);
      written[i].push_back(std::move(hypothesis));
    }
  }
  return written;
}

std::vector<std::vector<Hypothesis>> TextToText::write(std::span<const std::string> texts,
                                                       const WriteOptions& options) const {
  validate(options);
  if (options.alignment) alignment_head();
  std::vector<Ids> sources;
  for (const std::string& text : texts) sources.push_back(content_->source_ids(text));
  std::vector<std::size_t> order(texts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return sources[i].size(); });
  std::vector<std::vector<Hypothesis>> written(texts.size());
  for (std::size_t begin = 0; begin < order.size();) {
    std::vector<std::size_t> rows;
    for (; begin < order.size() && static_cast<std::int64_t>(rows.size()) < options.batch; ++begin) {
      if (texts[order[begin]].empty())
        written[order[begin]] = {Hypothesis{}};
      else
        rows.push_back(order[begin]);
    }
    if (rows.empty()) continue;
    std::vector<Ids> batch;
    for (const std::size_t row : rows) batch.push_back(sources[row]);
    auto hypotheses = content_->write_batch(batch, options);
    for (std::size_t i = 0; i < rows.size(); ++i) written[rows[i]] = std::move(hypotheses[i]);
  }
  return written;
}

AlignmentHead TextToText::alignment_head() const {
  if (!content_->config.alignment)
    throw Error("this model has no \"alignment\" in config.json: training ended before it was found");
  return *content_->config.alignment;
}

double TextToText::loss(std::span<const std::string> sources, std::span<const std::string> targets) const {
  if (sources.size() != targets.size() || sources.empty())
    throw Error(fmt::format("{} sources and {} targets: as many of both, and at least one, are needed",
                            sources.size(), targets.size()));
  constexpr std::size_t kPairsAtOnce = 32;
  const auto context = static_cast<std::size_t>(content_->config.model.context());
  const auto batch_of = [&](std::int64_t index) {
    std::vector<Ids> from, to;
    const std::size_t begin = static_cast<std::size_t>(index) * kPairsAtOnce;
    for (std::size_t i = begin; i < std::min(begin + kPairsAtOnce, sources.size()); ++i) {
      from.push_back(content_->source_ids(sources[i]));
      to.push_back(content_->tokenizers->encode_target(targets[i]));
      if (to.back().size() > context) to.back().resize(context);
    }
    return pair_batch(from, to, *content_->tokenizers);
  };
  const auto batches = static_cast<std::int64_t>((sources.size() + kPairsAtOnce - 1) / kPairsAtOnce);
  return mean_pair_loss(*content_->model, batches, batch_of, {});
}

explain::AttentionMaps TextToText::see(std::string_view source, std::string_view target) const {
  const PairTokenizers& tokenizers = *content_->tokenizers;
  const Ids from = tokenizers.encode_source(source);
  const Ids to = tokenizers.target().encode(target);
  if (from.size() < 2 || to.empty()) throw Error("a text to look at is empty");
  const auto longest = static_cast<std::int64_t>(std::max(from.size(), to.size() + 1));
  if (longest > content_->config.model.context())
    throw Error(fmt::format("a text has {} tokens, this model reads and writes at most {}", longest,
                            content_->config.model.context()));
  return explain::merge_words(cross_attention(*content_->model, from, to, tokenizers));
}

std::string lead_of(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') return std::string(text.substr(0, i));
    const bool ends = text[i] == '.' || text[i] == '!' || text[i] == '?';
    if (ends && i + 1 < text.size() && text[i + 1] == ' ') return std::string(text.substr(0, i + 1));
  }
  return std::string(text);
}

}  // namespace attend::task
