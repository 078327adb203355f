#include "attend/data/tokenizer.h"

#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/io/file.h"
#include "data/tokenizer_kinds.h"
#include "data/utf8.h"
#include "io/printable.h"

namespace attend::data {
namespace {

// The largest sensible files hold a million pieces; more is no tokenizer.
constexpr std::size_t kLargestFile = std::size_t{64} << 20;

}  // namespace

std::string_view Tokenizer::piece(std::int32_t id) const {
  if (id < 0 || id >= size()) {
    throw Error(
        fmt::format("token {} is not in the vocabulary, which has the tokens 0 to {}", id, size() - 1));
  }
  return pieces_[static_cast<std::size_t>(id)];
}

std::string Tokenizer::display_piece(std::int32_t id) const {
  const std::string_view text = piece(id);
  if (text.empty()) return "<unk>";
  if (find_invalid_utf8(text) == std::string_view::npos) return std::string(text);
  std::string result;
  for (const char c : text) result += fmt::format("<0x{:02X}>", static_cast<unsigned char>(c));
  return result;
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids) const {
  std::string text;
  for (const std::int32_t id : ids) text += piece(id);
  return text;
}

void save_tokenizer_file(const std::filesystem::path& folder, const char* name, std::string_view content) {
  io::write_file_atomically(folder / name, content);
  const bool json = std::string_view(name) == kJsonName;
  const std::filesystem::path other = folder / (json ? kModelName : kJsonName);
  std::error_code error;
  std::filesystem::remove(other, error);
  if (error) throw Error(fmt::format("cannot remove {}: {}", other.string(), error.message()));
}

std::unique_ptr<Tokenizer> train_tokenizer(const TokenizerOptions& options, std::string_view text) {
  if (options.kind == "byte") return make_byte_tokenizer();
  if (options.kind != "char" && options.kind != "bpe" && options.kind != "unigram" &&
      options.kind != "word") {
    throw Error(fmt::format("tokenizer: {} given; char, byte, bpe, unigram or word accepted",
                            io::printable(options.kind)));
  }
  if (text.empty()) throw Error(fmt::format("a {} tokenizer cannot learn from an empty text", options.kind));
  require_utf8(text, "the training text");
  if (options.kind == "word") return train_word_tokenizer(options, text);
  return options.kind == "char" ? train_char_tokenizer(text) : train_subword_tokenizer(options, text);
}

std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& folder) {
  const std::filesystem::path json = folder / kJsonName, model = folder / kModelName;
  std::error_code ignored;
  const bool has_json = std::filesystem::exists(json, ignored);
  const bool has_model = std::filesystem::exists(model, ignored);
  if (has_json && has_model) {
    throw Error(fmt::format("{} holds both {} and {}; remove the one that does not belong to the model",
                            folder.string(), kJsonName, kModelName));
  }
  if (!has_json && !has_model) {
    throw Error(fmt::format("{} holds no tokenizer: neither {} nor {} is there", folder.string(), kJsonName,
                            kModelName));
  }
  const std::filesystem::path& path = has_json ? json : model;
  const std::string content = io::read_file(path, kLargestFile);
  return has_json ? parse_json_tokenizer(content, path.string())
                  : parse_subword_tokenizer(content, path.string());
}

std::string StreamDecoder::push(std::int32_t id) {
  held_ += tokenizer_.piece(id);
  return take(false);
}

std::string StreamDecoder::finish() {
  return take(true);
}

std::string StreamDecoder::take(bool at_end) {
  std::string text;
  std::string_view rest = held_;
  while (!rest.empty()) {
    std::size_t length = first_code_point(rest).length;
    if (length > 0) {
      text += rest.substr(0, length);
    } else if (!at_end && is_incomplete_utf8(rest)) {
      break;
    } else {
      text += "\xef\xbf\xbd";
      // The bytes of one cut character give one mark, not one each.
      length = is_incomplete_utf8(rest) ? rest.size() : 1;
    }
    rest.remove_prefix(length);
  }
  held_ = std::string(rest);
  return text;
}

}  // namespace attend::data
