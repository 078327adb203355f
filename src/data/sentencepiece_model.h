#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace attend::data {

/// What a SentencePiece model file says, as far as the tokenizer needs it.
struct SentencePieceModel {
  enum class Type { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };
  struct Piece {
    std::string text;
    float score = 0;
    Type type = Type::normal;
  };
  std::vector<Piece> pieces;
  bool is_bpe = false;
};

/// Reads and checks a model file (a protocol buffer, sentencepiece_model.proto) before the library sees it.
/// Only what train_tokenizer writes is let through: BPE or unigram, an unknown piece, a piece for each byte,
/// otherwise normal pieces, finite scores, and no normalisation. Throws Error naming `file` and the fault.
SentencePieceModel parse_sentencepiece_model(std::string_view content, std::string_view file);

}  // namespace attend::data
