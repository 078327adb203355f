#include "attend/task/pretrained_encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/decode/sampler.h"
#include "attend/model/weights.h"
#include "attend/op/cast.h"
#include "task/collect_maps.h"
#include "task/encoder_tokens.h"
#include "task/model_folder.h"
#include "task/precision.h"
#include "task/pretrain/evaluate.h"

namespace attend::task {

struct PretrainedEncoder::Content {
  PretrainConfig config;
  std::unique_ptr<data::Tokenizer> tokenizer;
  std::unique_ptr<model::MaskedLanguageModel> model;
};

PretrainedEncoder::PretrainedEncoder(const std::filesystem::path& folder, std::string_view precision)
    : content_(std::make_unique<Content>()) {
  const DType dtype = dtype_of_precision(precision);
  content_->config = read_pretrain_config(folder);
  content_->tokenizer = load_encoder_tokenizer(folder, content_->config.model.vocabulary);
  content_->model = std::make_unique<model::MaskedLanguageModel>(content_->config.model);
  model::load_parameters(*content_->model, folder / kWeightsFile);
  if (dtype == DType::bf16) content_->model->cast_parameters(DType::bf16);
}

PretrainedEncoder::~PretrainedEncoder() = default;
PretrainedEncoder::PretrainedEncoder(PretrainedEncoder&&) noexcept = default;
PretrainedEncoder& PretrainedEncoder::operator=(PretrainedEncoder&&) noexcept = default;

const PretrainConfig& PretrainedEncoder::config() const {
  return content_->config;
}
const model::MaskedLanguageModel& PretrainedEncoder::model() const {
  return *content_->model;
}
const data::Tokenizer& PretrainedEncoder::tokenizer() const {
  return *content_->tokenizer;
}

namespace {

/// A text with marks as a model reads it.
struct MarkedText {
  std::vector<std::int32_t> ids;     // with the start mark
  std::vector<std::int64_t> places;  // of the masks in `ids`
};

MarkedText marked_text(std::string_view text, const data::Tokenizer& tokenizer, std::int64_t context) {
  const data::SpecialTokens special(tokenizer.size());
  MarkedText result{.ids = {special.start}, .places = {}};
  for (;;) {
    const std::size_t mark = text.find(kMaskText);
    std::string_view part = text.substr(0, mark);
    // The hidden token begins with the space, as tokens of words do.
    if (mark != std::string_view::npos && part.ends_with(' ')) part.remove_suffix(1);
    if (!part.empty()) {
      const std::vector<std::int32_t> ids = tokenizer.encode(part);
      result.ids.insert(result.ids.end(), ids.begin(), ids.end());
    }
    if (mark == std::string_view::npos) break;
    result.places.push_back(static_cast<std::int64_t>(result.ids.size()));
    result.ids.push_back(special.mask);
    text.remove_prefix(mark + kMaskText.size());
  }
  const auto length = static_cast<std::int64_t>(result.ids.size());
  if (length > context)
    throw Error(fmt::format("the text has {} tokens with the start mark, this model sees at most {} at once",
                            length, context));
  return result;
}

model::EncoderInput input_of(const MarkedText& marked) {
  return {.tokens = Tensor::from(marked.ids, {1, static_cast<std::int64_t>(marked.ids.size())})};
}

/// `logits` [places, vocabulary] of the masks; only tokens of the tokenizer can stand there.
FilledText filled(const MarkedText& marked, const Tensor& logits, const data::Tokenizer& tokenizer,
                  std::int64_t candidates) {
  const std::vector<float> values = op::cast(logits, DType::f32).to_vector<float>();
  const std::int64_t width = logits.dim(1);
  std::vector<std::int32_t> ids = marked.ids;
  FilledText result;
  for (std::size_t i = 0; i < marked.places.size(); ++i) {
    const auto begin = values.begin() + static_cast<std::int64_t>(i) * width;
    const auto likely = decode::most_likely(std::vector<float>(begin, begin + tokenizer.size()),
                                            std::max<std::int64_t>(1, candidates));
    ids[static_cast<std::size_t>(marked.places[i])] = likely.front().first;
    result.candidates.emplace_back();
    for (const auto& [id, probability] : likely)
      result.candidates.back().emplace_back(tokenizer.piece(id), probability);
  }
  result.text = tokenizer.decode(std::span<const std::int32_t>(ids).subspan(1));
  return result;
}

Tensor places_of(const MarkedText& marked) {
  return Tensor::from(marked.places, {static_cast<std::int64_t>(marked.places.size())});
}

}  // namespace

FilledText PretrainedEncoder::fill(std::string_view text, std::int64_t candidates) const {
  const autograd::NoGrad guard;
  const MarkedText marked = marked_text(text, tokenizer(), model().config().context);
  if (marked.places.empty())
    throw Error(fmt::format("the text has no {} in it: at least one word to be told is needed", kMaskText));
  return filled(marked, model().logits(input_of(marked), places_of(marked)), tokenizer(), candidates);
}

MaskedEvaluation PretrainedEncoder::evaluate(const data::TokenView& tokens, std::uint64_t seed) const {
  const auto rows = masked_rows(tokens, tokenizer(), config().training.value_or(PretrainOptions{}),
                                model().config().context, seed);
  require_targets(rows);
  return evaluation_of(model(), rows, DType::f32);
}

MaskedSight PretrainedEncoder::see(std::string_view text, std::int64_t candidates) const {
  const autograd::NoGrad guard;
  const MarkedText marked = marked_text(text, tokenizer(), model().config().context);
  if (marked.ids.size() < 2) throw Error("the text to look at is empty");
  MapCollector collector;
  nn::Run run;
  run.observer = &collector;
  MaskedSight sight;
  if (marked.places.empty()) {
    model().encoder().features(input_of(marked), run);
    sight.filled.text = text;
  } else {
    sight.filled =
        filled(marked, model().logits(input_of(marked), places_of(marked), run), tokenizer(), candidates);
  }
  sight.maps = std::move(collector.maps);
  sight.maps.queries = {"[start]"};
  for (std::size_t i = 1; i < marked.ids.size(); ++i)
    sight.maps.queries.emplace_back(marked.ids[i] < tokenizer().size() ? tokenizer().piece(marked.ids[i])
                                                                       : kMaskText);
  sight.maps.keys = sight.maps.queries;
  sight.maps.causal = false;
  return sight;
}

}  // namespace attend::task
