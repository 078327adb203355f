#include "attend/data/masked_language_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "attend/base/error.h"

namespace attend::data {

namespace {

// Keeps the streams of rows and masks apart from each other and from those that models number from 0.
constexpr std::uint64_t kRowStream = std::uint64_t{0xba7d} << 48, kMaskStream = std::uint64_t{0xba7e} << 48;
constexpr std::int64_t kMostTokens = std::int64_t{1} << 31;

/// ASCII white space, punctuation and control characters.
bool separates(char c) {
  const auto byte = static_cast<unsigned char>(c);
  const bool word = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                    (byte >= 'a' && byte <= 'z') || byte >= 0x80;
  return !word;
}

double uniform(std::uint32_t word) {
  return word * 0x1p-32;
}

void check(const WindowOptions& window) {
  if (window.batch < 1) throw Error(fmt::format("batch: {} given, 1 or more accepted", window.batch));
  if (window.context < 2) throw Error(fmt::format("context: {} given, 2 or more accepted", window.context));
  if (window.batch > kMostTokens / window.context)
    throw Error(fmt::format("batch: {} rows of {} tokens given; at most {} tokens in all accepted",
                            window.batch, window.context, kMostTokens));
}

/// -1 when the tokenizer has none.
std::int32_t line_break_of(const Tokenizer& tokenizer) {
  for (std::int32_t id = 0; id < tokenizer.size(); ++id)
    if (tokenizer.piece(id) == "\n") return id;
  return -1;
}

MaskedBatch empty_batch(std::int64_t rows, std::int64_t length) {
  const auto count = static_cast<std::size_t>(rows * length);
  return {.tokens = std::vector<std::int32_t>(count),
          .targets = std::vector<std::int32_t>(count, -1),
          .rows = rows,
          .length = length};
}

/// Row `row` becomes the start mark and the tokens from `begin` on, some of them hidden.
void fill_row(MaskedBatch& batch, std::int64_t row, const TokenView& tokens, std::int64_t begin,
              const TokenMasker& masker, const RandomStream& stream, std::uint64_t first) {
  const auto length = static_cast<std::size_t>(batch.length), place = static_cast<std::size_t>(row) * length;
  batch.tokens[place] = masker.special().start;
  const auto text = std::span(batch.tokens).subspan(place + 1, length - 1);
  tokens.copy(begin, text);
  masker.hide(text, std::span(batch.targets).subspan(place + 1, length - 1), stream, first);
}

}  // namespace

TokenMasker::TokenMasker(const Tokenizer& tokenizer, const MaskOptions& options)
    : options_(options), special_(tokenizer.size()) {
  if (!(options.share > 0 && options.share < 1))
    throw Error(fmt::format("share of hidden tokens: {} given, above 0 and below 1 accepted", options.share));
  if (!(options.masked >= 0 && options.random >= 0 && options.masked + options.random <= 1))
    throw Error(
        fmt::format("shares of hidden tokens that become the mask and any token: {} and {} given; 0 or more, "
                    "and at most 1 together accepted",
                    options.masked, options.random));
  for (std::int32_t id = 0; id < tokenizer.size(); ++id) {
    const std::string_view piece = tokenizer.piece(id);
    begins_.push_back(!piece.empty() && separates(piece.front()));
    ends_.push_back(!piece.empty() && separates(piece.back()));
  }
}

void TokenMasker::hide(std::span<std::int32_t> tokens, std::span<std::int32_t> targets,
                       const RandomStream& stream, std::uint64_t first) const {
  const auto vocabulary = static_cast<std::int64_t>(begins_.size());
  bool inside = false, chosen = false;  // a word goes on from the token before; it is to be told
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::int32_t id = tokens[i];
    targets[i] = -1;
    if (id < 0 || id >= vocabulary) {
      inside = false;
      continue;
    }
    const auto words = stream.words(first + i);
    const auto place = static_cast<std::size_t>(id);
    if (!options_.whole_words || !inside || begins_[place]) chosen = uniform(words[0]) < options_.share;
    inside = !ends_[place];
    if (!chosen) continue;
    targets[i] = id;
    const double draw = uniform(words[1]);
    if (draw < options_.masked)
      tokens[i] = special_.mask;
    else if (draw < options_.masked + options_.random)
      tokens[i] =
          static_cast<std::int32_t>((std::uint64_t{words[2]} * static_cast<std::uint64_t>(vocabulary)) >> 32);
  }
}

RandomMaskedRows::RandomMaskedRows(const TokenView& tokens, const Tokenizer& tokenizer,
                                   const WindowOptions& window, const MaskOptions& mask, std::uint64_t seed)
    : tokens_(tokens),
      window_(window),
      masker_(tokenizer, mask),
      line_break_(line_break_of(tokenizer)),
      seed_(seed) {
  check(window);
  if (window.context - 1 > tokens.size())
    throw Error(
        fmt::format("context: {} tokens given, but the training text has only {} tokens; choose a context of "
                    "at most {}, or give more text",
                    window.context, tokens.size(), tokens.size() + 1));
}

/// Behind the first line break in the row that begins here, if a row fits there.
std::int64_t RandomMaskedRows::line_start(std::int64_t begin) const {
  const std::int64_t width = window_.context - 1, spare = std::min(width, tokens_.size() - width - begin);
  if (line_break_ < 0 || spare <= 0) return begin;
  std::vector<std::int32_t> ahead(static_cast<std::size_t>(spare));
  tokens_.copy(begin, ahead);
  auto place = std::ranges::find(ahead, line_break_);
  if (place == ahead.end()) return begin;
  while (place != ahead.end() && *place == line_break_) ++place;
  return begin + (place - ahead.begin());
}

MaskedBatch RandomMaskedRows::batch(std::int64_t index) const {
  const auto number = static_cast<std::uint64_t>(index);
  const RandomStream rows{.seed = seed_, .stream = kRowStream + number},
      masks{.seed = seed_, .stream = kMaskStream + number};
  const std::int64_t width = window_.context - 1;
  const auto starts = static_cast<std::uint64_t>(tokens_.size() - width + 1);
  MaskedBatch batch = empty_batch(window_.batch, window_.context);
  for (std::int64_t row = 0; row < window_.batch; ++row) {
    const auto words = rows.words(static_cast<std::uint64_t>(row));
    const std::uint64_t random = std::uint64_t{words[1]} << 32 | words[0];
    // The upper half of the product is uniform in [0, starts), but for a bias below starts / 2^64.
    __extension__ using Wide = unsigned __int128;
    const auto begin = static_cast<std::int64_t>(static_cast<Wide>(random) * starts >> 64);
    fill_row(batch, row, tokens_, line_start(begin), masker_, masks,
             static_cast<std::uint64_t>(row * window_.context));
  }
  return batch;
}

ConsecutiveMaskedRows::ConsecutiveMaskedRows(const TokenView& tokens, const Tokenizer& tokenizer,
                                             const WindowOptions& window, const MaskOptions& mask,
                                             std::uint64_t seed)
    : tokens_(tokens), window_(window), masker_(tokenizer, mask), seed_(seed) {
  check(window);
  if (tokens.size() < 1) throw Error("the text to evaluate has no token: give more text");
}

std::int64_t ConsecutiveMaskedRows::size() const {
  const std::int64_t width = window_.context - 1, full = tokens_.size() / width;
  return full / window_.batch + (full % window_.batch != 0) + (tokens_.size() % width != 0);
}

MaskedBatch ConsecutiveMaskedRows::batch(std::int64_t index) const {
  if (index < 0 || index >= size())
    throw Error(fmt::format("batch {} asked for; there are the batches 0 to {}", index, size() - 1));
  const std::int64_t width = window_.context - 1, full = tokens_.size() / width,
                     rest = tokens_.size() % width;
  const bool last = rest != 0 && index == size() - 1;
  // index < size() keeps this product below the number of tokens.
  const std::int64_t first = last ? full : index * window_.batch;
  const std::int64_t rows = last ? 1 : std::min(window_.batch, full - first);
  const RandomStream masks{.seed = seed_, .stream = kMaskStream};
  MaskedBatch batch = empty_batch(rows, 1 + (last ? rest : width));
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t begin = (first + row) * width;
    fill_row(batch, row, tokens_, begin, masker_, masks, static_cast<std::uint64_t>(begin));
  }
  return batch;
}

}  // namespace attend::data
