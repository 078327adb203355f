#include "task/tag/data.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <unordered_map>
#include <utility>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/data/token_file.h"
#include "attend/metric/spans.h"
#include "data/record_messages.h"
#include "data/word_pieces.h"
#include "io/printable.h"

namespace attend::task {
namespace {

constexpr std::size_t kRowsAtOnce = 64;

std::optional<std::int64_t> class_of(const std::vector<std::string>& known, const std::string& tag) {
  const auto place = std::ranges::lower_bound(known, tag);
  if (place == known.end() || *place != tag) return std::nullopt;
  return place - known.begin();
}

}  // namespace

RawSentences read_sentences(const std::filesystem::path& path, const data::TaggedOptions& options,
                            const std::vector<std::string>* known) {
  data::TaggedReader reader(path, options);
  RawSentences raw;
  while (auto sentence = reader.next()) {
    const auto unknown = std::ranges::find_if(
        sentence->tags, [&](const std::string& tag) { return known != nullptr && !class_of(*known, tag); });
    if (unknown == sentence->tags.end())
      raw.sentences.push_back(std::move(*sentence));
    else
      reader.reject(data::missing_name("tag", *unknown, *known));
  }
  raw.skipped = reader.skipped();
  if (raw.sentences.empty())
    throw Error(raw.skipped.count == 0 ? fmt::format("{}: no sentence in it", path.string())
                                       : fmt::format("{}: no good sentence in it, {} skipped; the first: {}",
                                                     path.string(), raw.skipped.count, raw.skipped.first));
  return raw;
}

std::uint64_t checksum_of(std::span<const data::TaggedSentence> sentences) {
  std::uint64_t sum = 0;
  const auto add = [&](const std::string& text) {
    sum = data::checksum(std::string_view(text.c_str(), text.size() + 1), sum);
  };
  for (const data::TaggedSentence& sentence : sentences) {
    for (const std::string& word : sentence.words) add(word);
    for (const std::string& tag : sentence.tags) add(tag);
    add("");
  }
  return sum;
}

std::vector<std::string> tags_of(std::span<const data::TaggedSentence> sentences) {
  std::set<std::string> tags;
  for (const data::TaggedSentence& sentence : sentences)
    tags.insert(sentence.tags.begin(), sentence.tags.end());
  return {tags.begin(), tags.end()};
}

std::string joined_words(std::span<const data::TaggedSentence> sentences) {
  std::string text;
  for (const data::TaggedSentence& sentence : sentences) {
    for (const std::string& word : sentence.words) text += ' ' + word;
    text += '\n';
  }
  return text;
}

TaggedParts encoded(std::span<const data::TaggedSentence> sentences, const TagReader& reader) {
  data::WordEncoder encoder(reader.tokenizer, data::SpecialTokens(reader.tokenizer.size()).start);
  TaggedParts parts;
  std::unordered_map<std::string, std::int64_t> known;
  const auto spelling_of = [&](const std::string& word) {
    const auto [place, is_new] = known.try_emplace(word, static_cast<std::int64_t>(parts.spelt.size()));
    if (is_new) parts.spelt.push_back(reader.characters.numbers(word));
    return place->second;
  };
  for (const data::TaggedSentence& sentence : sentences) {
    for (data::WordPieces& part : encoder.encode(sentence.words, reader.context)) {
      std::vector<std::int64_t> classes;
      for (std::size_t w = 0; w < part.words.size() && !sentence.tags.empty(); ++w) {
        const std::string& tag = sentence.tags[static_cast<std::size_t>(part.first_word) + w];
        const auto number = class_of(reader.tags, tag);
        if (!number) throw Error(data::missing_name("tag", tag, reader.tags));
        classes.push_back(*number);
      }
      std::vector<std::int64_t> spellings;
      for (std::size_t w = 0; w < part.words.size() && reader.characters.size() > 0; ++w)
        spellings.push_back(spelling_of(sentence.words[static_cast<std::size_t>(part.first_word) + w]));
      parts.spellings.push_back(std::move(spellings));
      parts.tokens.add(part.ids);
      parts.word_count += static_cast<std::int64_t>(part.words.size());
      parts.words.push_back(std::move(part.words));
      parts.tags.push_back(std::move(classes));
      parts.sentence.push_back(parts.sentences);
    }
    ++parts.sentences;
  }
  return parts;
}

model::TaggerInput TaggedBatch::input() const {
  model::TaggerInput input = {
      .sequences = {.tokens = Tensor::from(tokens.tokens, {tokens.rows, tokens.length}),
                    .lengths = Tensor::from(tokens.lengths, {tokens.rows})},
      .words = Tensor::from(words, {tokens.rows, most_words}),
      .word_lengths = Tensor::from(word_lengths, {tokens.rows})};
  if (longest == 0) return input;
  const auto spelt = static_cast<std::int64_t>(character_lengths.size());
  input.characters = Tensor::from(characters, {spelt, longest});
  input.character_lengths = Tensor::from(character_lengths, {spelt});
  input.spellings = Tensor::from(spellings, {tokens.rows, most_words});
  return input;
}

Tensor TaggedBatch::tag_tensor() const {
  return Tensor::from(tags, {tokens.rows, most_words});
}

namespace {

/// Puts the spellings of words of these rows into a batch, each once.
void spell(TaggedBatch& batch, const TaggedParts& parts, std::span<const std::int64_t> rows) {
  std::unordered_map<std::int64_t, std::int64_t> places;
  std::vector<std::int64_t> used;
  batch.spellings.assign(static_cast<std::size_t>(batch.tokens.rows * batch.most_words), 0);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const auto& spellings = parts.spellings[static_cast<std::size_t>(rows[r])];
    for (std::size_t w = 0; w < spellings.size(); ++w) {
      const auto [place, is_new] = places.try_emplace(spellings[w], static_cast<std::int64_t>(used.size()));
      if (is_new) used.push_back(spellings[w]);
      batch.spellings[r * static_cast<std::size_t>(batch.most_words) + w] = place->second;
    }
  }
  for (const std::int64_t spelling : used) {
    const auto length = static_cast<std::int64_t>(parts.spelt[static_cast<std::size_t>(spelling)].size());
    batch.character_lengths.push_back(length);
    batch.longest = std::max(batch.longest, length);
  }
  for (const std::int64_t spelling : used) {
    const auto& characters = parts.spelt[static_cast<std::size_t>(spelling)];
    batch.characters.insert(batch.characters.end(), characters.begin(), characters.end());
    batch.characters.resize(batch.characters.size() + static_cast<std::size_t>(batch.longest) -
                            characters.size());
  }
}

}  // namespace

TaggedBatch batch_of(const TaggedParts& parts, std::span<const std::int64_t> rows, std::int32_t padding) {
  TaggedBatch batch;
  batch.tokens = data::padded_batch(parts.tokens, rows, padding);
  for (const std::int64_t row : rows) {
    batch.word_lengths.push_back(
        static_cast<std::int64_t>(parts.words[static_cast<std::size_t>(row)].size()));
    batch.most_words = std::max(batch.most_words, batch.word_lengths.back());
  }
  for (const std::int64_t row : rows) {
    const auto filled = [&](const std::vector<std::int64_t>& values, std::vector<std::int64_t>& all) {
      all.insert(all.end(), values.begin(), values.end());
      all.resize(all.size() + static_cast<std::size_t>(batch.most_words) - values.size(), 0);
    };
    filled(parts.words[static_cast<std::size_t>(row)], batch.words);
    filled(parts.tags[static_cast<std::size_t>(row)], batch.tags);
  }
  if (!parts.spelt.empty()) spell(batch, parts, rows);
  return batch;
}

TagPredictions predict(const model::SequenceTagger& model, const TaggedParts& parts, DType compute) {
  const autograd::NoGrad guard;
  const auto count = static_cast<std::size_t>(parts.tokens.size());
  const std::vector<std::int64_t> lengths = parts.tokens.lengths();
  std::vector<std::int64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, {}, [&](std::int64_t i) { return lengths[static_cast<std::size_t>(i)]; });
  TagPredictions result{.tags = std::vector<std::vector<std::int64_t>>(count),
                        .probabilities = std::vector<std::vector<double>>(count)};
  const auto classes = static_cast<std::size_t>(model.config().tags);
  for (std::size_t begin = 0; begin < count; begin += kRowsAtOnce) {
    const auto rows = std::span(order).subspan(begin, std::min(kRowsAtOnce, count - begin));
    const TaggedBatch batch = batch_of(parts, rows, 0);
    const model::TaggerInput input = batch.input();
    const op::CrfScores scores = model.scores(input, {.compute = compute});
    const auto tags = op::crf_decode(scores, input.word_lengths).tags.to_vector<std::int64_t>();
    const auto marginals = op::crf_marginals(scores, input.word_lengths).to_vector<double>();
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const auto part = static_cast<std::size_t>(rows[r]);
      for (std::size_t w = 0; w < parts.words[part].size(); ++w) {
        const std::size_t place = r * static_cast<std::size_t>(batch.most_words) + w;
        result.tags[part].push_back(tags[place]);
        result.probabilities[part].push_back(
            marginals[place * classes + static_cast<std::size_t>(tags[place])]);
      }
    }
    if (!parts.tags[static_cast<std::size_t>(rows[0])].empty())
      result.loss +=
          op::crf_negative_log_likelihood(scores, batch.tag_tensor(), input.word_lengths, op::Reduction::sum)
              .item();
  }
  return result;
}

bool mark_spans(const std::vector<std::string>& tags) {
  if (std::ranges::none_of(tags, [](const std::string& tag) { return tag.starts_with("B-"); })) return false;
  try {
    metric::spans_of_tags(tags);
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace attend::task
