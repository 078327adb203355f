#include "attend/task/language_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/decode/sampler.h"
#include "attend/model/weights.h"
#include "task/collect_maps.h"
#include "task/generate/evaluate.h"
#include "task/model_folder.h"
#include "task/precision.h"

namespace attend::task {

namespace {

Tensor row_of(std::span<const std::int32_t> ids) {
  return Tensor::from(ids, {1, static_cast<std::int64_t>(ids.size())});
}

decode::SamplerOptions sampler_options(const SampleOptions& options) {
  return {.temperature = options.temperature,
          .top_k = options.top_k,
          .top_p = options.top_p,
          .seed = options.seed};
}

/// What stands before the text when there is no prompt: a line break, since much begins after one.
std::int32_t beginning_of_text(const data::Tokenizer& tokenizer) {
  for (std::int32_t id = 0; id < tokenizer.size(); ++id) {
    if (tokenizer.piece(id) == "\n") return id;
  }
  return 0;
}

/// Hands text on as soon as it cannot be the beginning of a stop text any more.
class StopFilter {
 public:
  explicit StopFilter(const std::vector<std::string>& stops) : stops_(stops) {}

  /// The text that is certain now. After a stop text was found, found() is true and nothing follows.
  std::string push(std::string_view text) {
    held_ += text;
    std::size_t end = std::string::npos;
    for (const std::string& stop : stops_) end = std::min(end, held_.find(stop));
    if (end != std::string::npos) {
      found_ = true;
      held_.resize(end);
      return finish();
    }
    std::size_t certain = held_.size();
    for (const std::string& stop : stops_) {
      for (std::size_t length = std::min(stop.size() - 1, held_.size()); length > 0; --length) {
        if (!held_.ends_with(std::string_view(stop).substr(0, length))) continue;
        certain = std::min(certain, held_.size() - length);
        break;
      }
    }
    std::string out = held_.substr(0, certain);
    held_.erase(0, certain);
    return out;
  }
  std::string finish() { return std::exchange(held_, {}); }
  bool found() const { return found_; }

 private:
  const std::vector<std::string>& stops_;
  std::string held_;
  bool found_ = false;
};

}  // namespace

void validate(const SampleOptions& options) {
  if (options.tokens < 0) throw Error(fmt::format("tokens {}: 0 or more accepted", options.tokens));
  validate(sampler_options(options));
  for (const std::string& text : options.stop)
    if (text.empty()) throw Error("stop: an empty text given, at least one character accepted");
}

struct LanguageModel::Content {
  GenerateConfig config;
  std::unique_ptr<data::Tokenizer> tokenizer;
  std::unique_ptr<model::Gpt> gpt;
};

LanguageModel::LanguageModel(const std::filesystem::path& folder, std::string_view precision)
    : content_(std::make_unique<Content>()) {
  const DType dtype = dtype_of_precision(precision);
  content_->config = read_generate_config(folder);
  content_->tokenizer = data::load_tokenizer(folder);
  const std::int64_t vocabulary = content_->config.model.vocabulary;
  if (content_->tokenizer->size() != vocabulary)
    throw Error(fmt::format("{}: the tokenizer has {} tokens, the model in {} {}", folder.string(),
                            content_->tokenizer->size(), kConfigFile, vocabulary));
  content_->gpt = std::make_unique<model::Gpt>(content_->config.model);
  model::load_parameters(*content_->gpt, folder / kWeightsFile);
  if (dtype == DType::bf16) content_->gpt->cast_parameters(DType::bf16);
}

LanguageModel::~LanguageModel() = default;
LanguageModel::LanguageModel(LanguageModel&&) noexcept = default;
LanguageModel& LanguageModel::operator=(LanguageModel&&) noexcept = default;

const GenerateConfig& LanguageModel::config() const {
  return content_->config;
}
const model::Gpt& LanguageModel::model() const {
  return *content_->gpt;
}
const data::Tokenizer& LanguageModel::tokenizer() const {
  return *content_->tokenizer;
}

Written LanguageModel::generate(std::string_view prompt, const SampleOptions& options,
                                const std::function<void(std::string_view)>& on_text) const {
  validate(options);
  const model::Gpt& gpt = model();
  const std::int64_t context = gpt.config().context;
  std::vector<std::int32_t> ids = tokenizer().encode(prompt);
  Written written;
  written.prompt_tokens = static_cast<std::int64_t>(ids.size());
  if (ids.empty()) ids.push_back(beginning_of_text(tokenizer()));
  decode::Sampler sampler(sampler_options(options));
  StopFilter filter(options.stop);
  data::StreamDecoder decoder(tokenizer());
  const auto give = [&](const std::string& text) {
    if (text.empty()) return;
    written.text += text;
    if (on_text) on_text(text);
  };
  model::GptCache cache = gpt.make_cache();
  std::size_t seen = 0;
  for (; written.tokens < options.tokens && !filter.found(); ++written.tokens) {
    const auto length = static_cast<std::int64_t>(ids.size());
    if (cache.length() + length - static_cast<std::int64_t>(seen) > context) {
      cache.truncate(0);
      seen = ids.size() - static_cast<std::size_t>(std::max<std::int64_t>(1, context / 2));
    }
    const Tensor scores = gpt.next_logits(row_of(std::span<const std::int32_t>(ids).subspan(seen)), cache);
    seen = ids.size();
    ids.push_back(sampler.draw(scores.to_vector<float>()));
    give(filter.push(decoder.push(ids.back())));
  }
  if (!filter.found()) give(filter.push(decoder.finish()));
  if (!filter.found()) give(filter.finish());
  written.stopped = filter.found();
  return written;
}

Evaluation LanguageModel::evaluate(const data::TokenView& tokens) const {
  return evaluation_of(mean_loss(model(), tokens, {}), tokens, tokenizer());
}

Sight LanguageModel::see(std::string_view text, std::int64_t next) const {
  const autograd::NoGrad guard;
  const std::vector<std::int32_t> ids = tokenizer().encode(text);
  const auto count = static_cast<std::int64_t>(ids.size());
  if (count == 0) throw Error("the text to look at is empty");
  if (count > model().config().context)
    throw Error(fmt::format("the text has {} tokens, this model sees at most {} at once", count,
                            model().config().context));
  MapCollector collector;
  nn::Run run;
  run.observer = &collector;
  const std::vector<float> scores = model().logits(row_of(ids), run).to_vector<float>();
  Sight sight;
  sight.maps = std::move(collector.maps);
  for (const std::int32_t id : ids) sight.maps.queries.emplace_back(tokenizer().piece(id));
  sight.maps.keys = sight.maps.queries;
  sight.maps.causal = true;
  if (next > 0) {
    const std::vector<float> last(scores.end() - model().config().vocabulary, scores.end());
    for (const auto& [id, probability] : decode::most_likely(last, next))
      sight.next.emplace_back(tokenizer().piece(id), probability);
  }
  return sight;
}

}  // namespace attend::task
