#include <fmt/format.h>
#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <unordered_map>

#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "data/sentencepiece_model.h"
#include "data/tokenizer_kinds.h"
#include "data/utf8.h"
#include "io/printable.h"

namespace attend::data {
namespace {

/// SentencePiece writes a space as this character, U+2581, inside its pieces.
constexpr std::string_view kSpaceMark = "\xe2\x96\x81";
constexpr std::int64_t kSmallestVocabulary = 320, kLargestVocabulary = 1'000'000;
constexpr std::size_t kTrainingBytes = 10'000'000;

/// Calls `segment` for each stretch of text that SentencePiece may see, in order, and `raw` for each stretch
/// between them that it would lose or change, to be written as bytes: control characters (it drops sentences
/// with tabs or zero bytes), and its own mark for spaces. With `keep_spaces` off also the space.
template <class Segment, class Raw>
void split_text(std::string_view text, bool keep_spaces, Segment segment, Raw raw) {
  std::size_t begin = 0, i = 0;
  while (i < text.size()) {
    const auto c = static_cast<unsigned char>(text[i]);
    std::size_t length = 0;
    if (c < 0x20 || (c == ' ' && !keep_spaces)) {
      length = 1;
    } else if (text[i] == kSpaceMark[0] && text.substr(i).starts_with(kSpaceMark)) {
      length = kSpaceMark.size();
    }
    if (length == 0) {
      ++i;
      continue;
    }
    if (i > begin) segment(text.substr(begin, i - begin));
    raw(text.substr(i, length));
    i += length;
    begin = i;
  }
  if (i > begin) segment(text.substr(begin));
}

/// The message of a failed call without the library's source line, on one line.
std::string reason_of(const sentencepiece::util::Status& status) {
  const std::string text = status.ToString();
  const std::size_t bracket = text.rfind("] ");
  return io::printable(bracket == text.npos ? text : text.substr(bracket + 2));
}

class SubwordTokenizer : public Tokenizer {
 public:
  SubwordTokenizer(std::string content, const SentencePieceModel& model, std::string_view file)
      : Tokenizer(texts_of(model)), content_(std::move(content)), is_bpe_(model.is_bpe) {
    const auto status = processor_.LoadFromSerializedProto(content_);
    if (!status.ok() || processor_.GetPieceSize() != size()) {
      throw Error(fmt::format("{} is not a valid tokenizer: SentencePiece says {}", file, reason_of(status)));
    }
    std::int32_t id = 0;
    for (const auto& piece : model.pieces) {
      if (piece.type == SentencePieceModel::Type::byte) {
        byte_ids_[static_cast<unsigned char>(this->piece(id)[0])] = id;
      } else if (piece.type == SentencePieceModel::Type::normal && piece.text == kSpaceMark) {
        knows_spaces_ = true;
      }
      ++id;
    }
  }

  std::string_view kind() const override { return is_bpe_ ? "bpe" : "unigram"; }

  std::vector<std::int32_t> encode(std::string_view text) const override {
    require_utf8(text, "the text");
    // A line break is always bytes of its own, so lines can be encoded apart from each other.
    const std::vector<std::string_view> parts = split_after_lines(text);
    std::vector<std::vector<std::int32_t>> ids(parts.size());
    parallel_for(static_cast<std::int64_t>(parts.size()), 1, [&](std::int64_t begin, std::int64_t end) {
      for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
        encode_part(parts[i], ids[i]);
      }
    });
    if (ids.size() == 1) return std::move(ids[0]);
    std::vector<std::int32_t> all;
    for (const auto& part : ids) all.insert(all.end(), part.begin(), part.end());
    return all;
  }

  void save(const std::filesystem::path& folder) const override {
    save_tokenizer_file(folder, kModelName, content_);
  }

 private:
  /// Parts of some 100 KB, each but the last ending in a line break.
  static std::vector<std::string_view> split_after_lines(std::string_view text) {
    constexpr std::size_t kPart = 100'000;
    std::vector<std::string_view> parts;
    while (text.size() > kPart) {
      const std::size_t line_end = text.find('\n', kPart);
      if (line_end == text.npos) break;
      parts.push_back(text.substr(0, line_end + 1));
      text.remove_prefix(line_end + 1);
    }
    if (!text.empty()) parts.push_back(text);
    return parts;
  }

  void encode_part(std::string_view text, std::vector<std::int32_t>& ids) const {
    std::vector<int> part;
    split_text(
        text, knows_spaces_,
        [&](std::string_view segment) {
          const auto status = processor_.Encode(absl::string_view(segment.data(), segment.size()), &part);
          if (!status.ok()) throw Error(fmt::format("SentencePiece cannot encode: {}", reason_of(status)));
          ids.insert(ids.end(), part.begin(), part.end());
        },
        [&](std::string_view raw) {
          for (const char c : raw) ids.push_back(byte_ids_[static_cast<unsigned char>(c)]);
        });
  }

  /// The bytes that each piece stands for.
  static std::vector<std::string> texts_of(const SentencePieceModel& model) {
    std::vector<std::string> texts;
    for (const auto& piece : model.pieces) {
      std::string text;
      if (piece.type == SentencePieceModel::Type::byte) {
        unsigned byte = 0;  // from "<0xHH>"
        std::from_chars(piece.text.data() + 3, piece.text.data() + 5, byte, 16);
        text = static_cast<char>(byte);
      } else if (piece.type == SentencePieceModel::Type::normal) {
        const std::string_view marked = piece.text;
        for (std::size_t i = 0; i < marked.size();) {
          const bool space = marked.substr(i).starts_with(kSpaceMark);
          text += space ? ' ' : marked[i];
          i += space ? kSpaceMark.size() : 1;
        }
      }
      texts.push_back(std::move(text));
    }
    return texts;
  }

  std::string content_;
  bool is_bpe_;
  bool knows_spaces_ = false;
  std::array<std::int32_t, 256> byte_ids_{};
  sentencepiece::SentencePieceProcessor processor_;
};

/// The stretches of the training text, read by the trainer one by one, all of them `rounds` times.
class Segments : public sentencepiece::SentenceIterator {
 public:
  Segments(const std::vector<std::string_view>& segments, std::size_t rounds)
      : segments_(segments), end_(rounds * segments.size()) {
    load();
  }

  bool done() const override { return place_ >= end_; }
  void Next() override {
    ++place_;
    load();
  }
  const std::string& value() const override { return value_; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  void load() {
    if (!done()) value_ = segments_[place_ % segments_.size()];
  }

  const std::vector<std::string_view>& segments_;
  std::size_t place_ = 0, end_;
  std::string value_;
};

/// Appends `segment` in parts that the trainer can take: it crashes at very long words.
void append_short_segments(std::string_view segment, std::vector<std::string_view>& segments) {
  constexpr std::size_t kLongest = 4000;
  while (segment.size() > kLongest) {
    std::size_t cut = segment.rfind(' ', kLongest);
    if (cut == segment.npos || cut == 0) {
      cut = kLongest;
      while ((static_cast<unsigned char>(segment[cut]) & 0xc0) == 0x80) --cut;
    }
    segments.push_back(segment.substr(0, cut));
    segment.remove_prefix(cut);
  }
  segments.push_back(segment);
}

/// How often the trainer must see the text: when the expected counts of all pieces of a tiny text are small,
/// SentencePiece drops them all and ends the process.
std::size_t choose_rounds(const std::vector<std::string_view>& segments) {
  constexpr std::size_t kEnough = 100'000;
  std::size_t bytes = 0;
  for (const std::string_view segment : segments) bytes += segment.size();
  return (kEnough + bytes - 1) / bytes;
}

/// All of a short text; of a long one kTrainingBytes in blocks at equal distances.
std::vector<std::string_view> choose_blocks(std::string_view text) {
  constexpr std::size_t kBlock = 50'000, kBlocks = kTrainingBytes / kBlock;
  if (text.size() <= kTrainingBytes) return {text};
  const auto character_start = [&](std::size_t i) {
    while (i < text.size() && (static_cast<unsigned char>(text[i]) & 0xc0) == 0x80) ++i;
    return i;
  };
  std::vector<std::string_view> blocks;
  const std::size_t distance = text.size() / kBlocks;
  for (std::size_t b = 0; b < kBlocks; ++b) {
    const std::size_t begin = character_start(b * distance), end = character_start(b * distance + kBlock);
    blocks.push_back(text.substr(begin, end - begin));
  }
  return blocks;
}

/// The share of the text that its most frequent characters cover, when there are too many to give each a
/// token of its own: rare ones are left to the byte tokens.
double choose_coverage(const std::vector<std::string_view>& segments, std::int64_t vocabulary) {
  std::vector<std::int64_t> frequencies(0x110000);  // by code point
  std::int64_t total = 0;
  for (const std::string_view segment : segments) {
    for (std::size_t i = 0; i < segment.size(); ++total) {
      const CodePoint character = first_code_point(segment.substr(i));
      ++frequencies[static_cast<std::size_t>(character.value)];
      i += character.length;
    }
  }
  // Half of the tokens beyond the bytes are left for subwords.
  const auto room = static_cast<std::size_t>((vocabulary - 257) / 2);
  std::erase(frequencies, 0);
  if (frequencies.size() <= room) return 1.0;
  std::sort(frequencies.rbegin(), frequencies.rend());
  std::int64_t covered = 0;
  for (std::size_t i = 0; i < room; ++i) covered += frequencies[i];
  return static_cast<double>(covered) / static_cast<double>(total);
}

/// SentencePiece accepts character coverages in this range only.
constexpr double kLeastCoverage = 0.98;

}  // namespace

std::unique_ptr<Tokenizer> train_subword_tokenizer(const TokenizerOptions& options, std::string_view text) {
  if (options.vocabulary < kSmallestVocabulary || options.vocabulary > kLargestVocabulary) {
    throw Error(fmt::format("vocabulary: {} given, {} to {} accepted for a {} tokenizer", options.vocabulary,
                            kSmallestVocabulary, kLargestVocabulary, options.kind));
  }
  std::vector<std::string_view> segments;
  for (const std::string_view block : choose_blocks(text)) {
    split_text(
        block, true, [&](std::string_view segment) { append_short_segments(segment, segments); },
        [](std::string_view) {});
  }
  if (segments.empty()) {
    throw Error(
        fmt::format("a {} tokenizer cannot learn from a text without visible characters", options.kind));
  }
  const double coverage = choose_coverage(segments, options.vocabulary);
  if (coverage < kLeastCoverage) {
    throw Error(
        fmt::format("vocabulary: {} given, which is too small for the many different characters of the "
                    "text; give more, or use the byte tokenizer",
                    options.vocabulary));
  }
  Segments iterator(segments, choose_rounds(segments));
  std::string content;
  const auto status = sentencepiece::SentencePieceTrainer::Train(
      std::unordered_map<std::string, std::string>{
          {"model_type", options.kind},
          {"vocab_size", std::to_string(options.vocabulary)},
          {"hard_vocab_limit", "false"},
          {"byte_fallback", "true"},
          {"character_coverage", fmt::format("{:.12f}", coverage)},
          {"normalization_rule_name", "identity"},
          {"remove_extra_whitespaces", "false"},
          {"add_dummy_prefix", "false"},
          {"max_sentence_length", "1000000000"},
          {"bos_id", "-1"},
          {"eos_id", "-1"},
          {"pad_id", "-1"},
          {"num_threads", "1"},
          {"minloglevel", "4"},
      },
      &iterator, &content);
  if (!status.ok()) {
    throw Error(fmt::format("SentencePiece cannot learn a {} tokenizer of {} tokens from this text: {}",
                            options.kind, options.vocabulary, reason_of(status)));
  }
  return parse_subword_tokenizer(content, "the new tokenizer");
}

std::unique_ptr<Tokenizer> parse_subword_tokenizer(std::string_view content, std::string_view file) {
  const SentencePieceModel model = parse_sentencepiece_model(content, file);
  return std::make_unique<SubwordTokenizer>(std::string(content), model, file);
}

}  // namespace attend::data
