#include "data/sentencepiece_model.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <unordered_set>

#include "attend/base/error.h"
#include "data/utf8.h"
#include "io/printable.h"

namespace attend::data {
namespace {

/// One field of a protocol buffer message: its number and its value, a number or bytes.
struct Field {
  std::uint64_t number = 0;
  std::uint64_t value = 0;
  std::string_view bytes;
  enum class Kind { integer, fixed32, fixed64, bytes } kind = Kind::integer;
};

/// Walks through the fields of a message (https://protobuf.dev/programming-guides/encoding). Nothing nested
/// is entered, so hostile nesting costs nothing.
class Fields {
 public:
  explicit Fields(std::string_view message) : rest_(message) {}

  /// False at the end or at a fault.
  bool next(Field& field) {
    if (rest_.empty()) return false;
    std::uint64_t key, length;
    if (!take_integer(key)) return fault();
    field = {};
    field.number = key >> 3;
    switch (key & 7) {
      case 0:
        field.kind = Field::Kind::integer;
        return take_integer(field.value) || fault();
      case 1:
        field.kind = Field::Kind::fixed64;
        return take_bytes(8, field.bytes) || fault();
      case 2:
        field.kind = Field::Kind::bytes;
        return (take_integer(length) && take_bytes(length, field.bytes)) || fault();
      case 5:
        field.kind = Field::Kind::fixed32;
        return take_bytes(4, field.bytes) || fault();
      default:
        return fault();
    }
  }

  bool damaged() const { return damaged_; }

 private:
  bool fault() {
    damaged_ = true;
    return false;
  }

  bool take_integer(std::uint64_t& value) {
    value = 0;
    for (std::size_t i = 0; i < 10 && i < rest_.size(); ++i) {
      const auto byte = static_cast<unsigned char>(rest_[i]);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
      if ((byte & 0x80) == 0) {
        rest_.remove_prefix(i + 1);
        return true;
      }
    }
    return false;
  }

  bool take_bytes(std::uint64_t length, std::string_view& bytes) {
    if (length > rest_.size()) return false;
    bytes = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return true;
  }

  std::string_view rest_;
  bool damaged_ = false;
};

class ModelReader {
 public:
  explicit ModelReader(std::string_view file) : file_(file) {}

  SentencePieceModel read(std::string_view content) {
    if (content.empty()) fail("it is empty");
    std::string_view trainer, normalizer;
    int trainers = 0, normalizers = 0;
    walk(content, [&](const Field& field) {
      if (field.number == 1) {
        read_piece(bytes_of(field));
      } else if (field.number == 2) {
        trainer = bytes_of(field);
        ++trainers;
      } else if (field.number == 3) {
        normalizer = bytes_of(field);
        ++normalizers;
      } else {
        // A self test or a denormaliser: train_tokenizer writes none, or an empty one.
        if (!bytes_of(field).empty() && !is_harmless(field)) {
          fail(fmt::format("it has the unexpected part {}", field.number));
        }
      }
    });
    // A protocol buffer may come in parts, which the library would join.
    if (trainers != 1 || normalizers != 1) fail("it lacks its settings or has them twice");
    read_trainer(trainer);
    read_normalizer(normalizer);
    check_pieces();
    return std::move(model_);
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw Error(fmt::format("{} is not a valid tokenizer: {}", file_, what));
  }

  [[noreturn]] void unsuited(std::string_view what) const {
    throw Error(fmt::format("{} cannot be used: it {}, so text would not come back unchanged", file_, what));
  }

  template <class Visit>
  void walk(std::string_view message, Visit visit) const {
    Fields fields(message);
    Field field;
    while (fields.next(field)) visit(field);
    if (fields.damaged()) fail("it is no SentencePiece model, or is damaged");
  }

  std::string_view bytes_of(const Field& field) const {
    if (field.kind != Field::Kind::bytes) fail("it is no SentencePiece model, or is damaged");
    return field.bytes;
  }

  std::uint64_t integer_of(const Field& field) const {
    if (field.kind != Field::Kind::integer) fail("it is no SentencePiece model, or is damaged");
    return field.value;
  }

  /// Whether a denormaliser (a normaliser's settings) holds no table.
  bool is_harmless(const Field& field) const {
    if (field.number != 5) return false;
    bool harmless = true;
    walk(field.bytes, [&](const Field& inner) { harmless &= inner.number != 2 && inner.number != 6; });
    return harmless;
  }

  void read_piece(std::string_view message) {
    SentencePieceModel::Piece piece;
    walk(message, [&](const Field& field) {
      if (field.number == 1) {
        piece.text = bytes_of(field);
      } else if (field.number == 2) {
        if (field.kind != Field::Kind::fixed32) fail("it is no SentencePiece model, or is damaged");
        std::memcpy(&piece.score, field.bytes.data(), sizeof piece.score);
      } else if (field.number == 3) {
        const std::uint64_t type = integer_of(field);
        if (type < 1 || type > 6) fail(fmt::format("a piece has the unknown type {}", type));
        piece.type = static_cast<SentencePieceModel::Type>(type);
      }
    });
    model_.pieces.push_back(std::move(piece));
  }

  void read_trainer(std::string_view message) {
    std::uint64_t model_type = 1, byte_fallback = 0, suffix = 0;
    walk(message, [&](const Field& field) {
      if (field.number == 3) model_type = integer_of(field);
      if (field.number == 24) suffix = integer_of(field);
      if (field.number == 35) byte_fallback = integer_of(field);
    });
    if (model_type != 1 && model_type != 2) fail("it is neither a BPE nor a unigram model");
    model_.is_bpe = model_type == 2;
    if (byte_fallback == 0) unsuited("has no tokens for single bytes");
    if (suffix != 0) unsuited("attaches spaces to the end of words");
  }

  void read_normalizer(std::string_view message) {
    std::uint64_t dummy_prefix = 1, remove_extra = 1, escape = 1;
    bool table = false;
    walk(message, [&](const Field& field) {
      if (field.number == 2 || field.number == 6) table |= !bytes_of(field).empty();
      if (field.number == 3) dummy_prefix = integer_of(field);
      if (field.number == 4) remove_extra = integer_of(field);
      if (field.number == 5) escape = integer_of(field);
    });
    if (table) unsuited("normalises characters");
    if (dummy_prefix != 0) unsuited("puts a space before the text");
    if (remove_extra != 0) unsuited("removes spaces");
    if (escape != 1) unsuited("does not mark spaces");
  }

  void check_pieces() const {
    constexpr std::size_t kLongestPiece = 1024;
    std::unordered_set<std::string_view> texts;
    int unknown = 0, bytes = 0;
    for (const auto& piece : model_.pieces) {
      if (piece.text.empty() || piece.text.size() > kLongestPiece ||
          piece.text.find('\0') != piece.text.npos ||
          find_invalid_utf8(piece.text) != std::string_view::npos) {
        fail(fmt::format("the piece {} is empty, too long, or not UTF-8", io::printable(piece.text)));
      }
      if (!texts.insert(piece.text).second) {
        fail(fmt::format("the piece {} appears twice", io::printable(piece.text)));
      }
      if (!std::isfinite(piece.score)) {
        fail(fmt::format("the score of the piece {} is not finite", io::printable(piece.text)));
      }
      switch (piece.type) {
        case SentencePieceModel::Type::unknown:
          ++unknown;
          break;
        case SentencePieceModel::Type::byte:
          ++bytes;
          break;
        case SentencePieceModel::Type::normal:
          break;
        default:
          fail(fmt::format("the piece {} is of a kind that is not supported", io::printable(piece.text)));
      }
    }
    if (unknown != 1) fail(fmt::format("it has {} unknown pieces instead of 1", unknown));
    if (bytes != 256) fail(fmt::format("it has {} byte pieces instead of 256", bytes));
    for (int byte = 0; byte < 256; ++byte) {
      // 256 different texts of byte pieces, each of which is one of these 256.
      const std::string text = fmt::format("<0x{:02X}>", byte);
      const auto found = texts.find(text);
      if (found == texts.end()) fail(fmt::format("it has no piece {}", text));
    }
    for (const auto& piece : model_.pieces) {
      const bool named_byte = piece.text.size() == 6 && piece.text.starts_with("<0x") && piece.text[5] == '>';
      if (piece.type == SentencePieceModel::Type::byte && !named_byte) {
        fail(fmt::format("the byte piece {} names no byte", io::printable(piece.text)));
      }
    }
  }

  std::string_view file_;
  SentencePieceModel model_;
};

}  // namespace

SentencePieceModel parse_sentencepiece_model(std::string_view content, std::string_view file) {
  return ModelReader(file).read(content);
}

}  // namespace attend::data
