#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace attend::data {

/// Turns text into token ids and back. Whatever the kind but "word", decode(encode(text)) is `text`, byte for
/// byte.
///
///   char     one token for each character (Unicode code point) of the training text
///   byte     256 tokens, one for each byte; takes any data
///   bpe      subwords by byte-pair encoding (Sennrich et al., ACL 2016), learnt by SentencePiece
///   unigram  subwords by a unigram language model (Kudo, ACL 2018), learnt by SentencePiece
///   word     words that stand in the training text more than once, the most frequent ones; any other is
///            [UNK]. Punctuation around a word is words of one character; decode puts a space before each
///            word. For models that read only
///
/// The subword kinds hold a token for each byte as well, so that a character never seen in training becomes
/// its bytes; line breaks and tabs are always written as bytes, so no subword crosses a line break.
/// Encoding and decoding may be called by several threads at once.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// "char", "byte", "bpe", "unigram" or "word".
  virtual std::string_view kind() const = 0;

  /// The ids, each in [0, size()). Throws Error naming place and line when the text is not UTF-8 (all kinds
  /// but "byte") or contains a character that the training text did not ("char").
  virtual std::vector<std::int32_t> encode(std::string_view text) const = 0;

  /// Writes the tokenizer into an existing folder: tokenizer.json (char, byte, word) or tokenizer.model (bpe,
  /// unigram; SentencePiece's own format), and removes the file of the other name.
  virtual void save(const std::filesystem::path& folder) const = 0;

  /// The size of the vocabulary.
  std::int64_t size() const { return static_cast<std::int64_t>(pieces_.size()); }

  /// The bytes that one token stands for, exactly. The token of a byte >= 0x80 is a part of a character and
  /// thus no valid UTF-8 of its own. Throws Error for an id outside [0, size()).
  std::string_view piece(std::int32_t id) const;

  /// The piece as valid UTF-8 for display: a part of a character as "<0xE2>", the unused token for unknown
  /// characters as "<unk>", everything else unchanged (a space is " ", a line break is "\n").
  std::string display_piece(std::int32_t id) const;

  /// The concatenated pieces. Throws Error for an id outside [0, size()).
  std::string decode(std::span<const std::int32_t> ids) const;

 protected:
  explicit Tokenizer(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}

 private:
  std::vector<std::string> pieces_;
};

struct TokenizerOptions {
  /// "char", "byte", "bpe", "unigram" or "word".
  std::string kind = "char";
  /// Most tokens of a vocabulary of subwords or words, 320 to 1,000,000, of which 257 are bytes and the
  /// unknown token for subwords, and one is [UNK] for words. A short text gives fewer. The other kinds ignore
  /// it.
  std::int64_t vocabulary = 4096;
};

/// Learns a tokenizer from a text; equal arguments give equal tokenizers. The subword kinds learn from at
/// most 10 MB, taken evenly from the whole text. Throws Error for an unknown kind, a vocabulary out of range,
/// an empty text, and a text that is not UTF-8 (all kinds but "byte").
std::unique_ptr<Tokenizer> train_tokenizer(const TokenizerOptions& options, std::string_view text);

/// Reads what Tokenizer::save wrote. Throws Error naming the file when it is missing, damaged, or of a kind
/// that would not give the text back exactly.
std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& folder);

/// Turns ids that arrive one by one into text that is valid UTF-8 at every moment: the first bytes of a
/// character are held back until the rest has come. Bytes that are no UTF-8 become U+FFFD.
class StreamDecoder {
 public:
  /// The tokenizer must outlive the decoder.
  explicit StreamDecoder(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  /// The characters that this token completes; may be empty. Throws Error for an id outside [0, size()).
  std::string push(std::int32_t id);

  /// What is still held back, as U+FFFD, at the end of the stream.
  std::string finish();

 private:
  std::string take(bool at_end);

  const Tokenizer& tokenizer_;
  std::string held_;
};

}  // namespace attend::data
