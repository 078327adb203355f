#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "attend/base/error.h"
#include "data/tokenizer_kinds.h"
#include "data/utf8.h"
#include "io/printable.h"

namespace attend::data {
namespace {

class ByteTokenizer : public Tokenizer {
 public:
  ByteTokenizer() : Tokenizer(all_bytes()) {}

  std::string_view kind() const override { return "byte"; }

  std::vector<std::int32_t> encode(std::string_view text) const override {
    std::vector<std::int32_t> ids(text.size());
    std::transform(text.begin(), text.end(), ids.begin(),
                   [](char c) { return static_cast<unsigned char>(c); });
    return ids;
  }

  void save(const std::filesystem::path& folder) const override {
    const nlohmann::ordered_json json = {
        {"format", kTokenizerFormat}, {"version", kTokenizerVersion}, {"kind", "byte"}};
    save_tokenizer_file(folder, kJsonName, json.dump(2) + "\n");
  }

 private:
  static std::vector<std::string> all_bytes() {
    std::vector<std::string> pieces;
    for (int byte = 0; byte < 256; ++byte) pieces.emplace_back(1, static_cast<char>(byte));
    return pieces;
  }
};

class CharTokenizer : public Tokenizer {
 public:
  /// The characters ascend.
  explicit CharTokenizer(const std::vector<std::int32_t>& characters)
      : Tokenizer(pieces_of(characters)), ids_(static_cast<std::size_t>(characters.back()) + 1, -1) {
    std::int32_t id = 0;
    for (const std::int32_t c : characters) ids_[static_cast<std::size_t>(c)] = id++;
  }

  std::string_view kind() const override { return "char"; }

  std::vector<std::int32_t> encode(std::string_view text) const override {
    std::vector<std::int32_t> ids;
    ids.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
      const CodePoint character = first_code_point(text.substr(i));
      if (character.length == 0) require_utf8(text, "the text");
      const auto c = static_cast<std::size_t>(character.value);
      const std::int32_t id = c < ids_.size() ? ids_[c] : -1;
      if (id < 0) {
        throw Error(fmt::format(
            "the character {} (U+{:04X}) in {} is not among the {} characters of the training text",
            io::printable(text.substr(i, character.length)), c, place_in(text, i), size()));
      }
      ids.push_back(id);
      i += character.length;
    }
    return ids;
  }

  void save(const std::filesystem::path& folder) const override {
    std::string characters;
    for (std::int32_t id = 0; id < size(); ++id) characters += piece(id);
    const nlohmann::ordered_json json = {{"format", kTokenizerFormat},
                                         {"version", kTokenizerVersion},
                                         {"kind", "char"},
                                         {"characters", characters}};
    save_tokenizer_file(folder, kJsonName, json.dump(2) + "\n");
  }

 private:
  static std::vector<std::string> pieces_of(const std::vector<std::int32_t>& characters) {
    std::vector<std::string> pieces;
    for (const std::int32_t c : characters) pieces.push_back(utf8_of(c));
    return pieces;
  }

  std::vector<std::int32_t> ids_;  // by code point; -1 where there is none
};

}  // namespace

std::unique_ptr<Tokenizer> train_char_tokenizer(std::string_view text) {
  std::vector<bool> seen(0x110000);
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint character = first_code_point(text.substr(i));
    seen[static_cast<std::size_t>(character.value)] = true;
    i += character.length;
  }
  std::vector<std::int32_t> characters;
  for (std::size_t c = 0; c < seen.size(); ++c) {
    if (seen[c]) characters.push_back(static_cast<std::int32_t>(c));
  }
  return std::make_unique<CharTokenizer>(characters);
}

std::unique_ptr<Tokenizer> make_byte_tokenizer() {
  return std::make_unique<ByteTokenizer>();
}

std::unique_ptr<Tokenizer> parse_json_tokenizer(std::string_view content, std::string_view file) {
  const auto fail = [&](std::string_view what) -> void {
    throw Error(fmt::format("{} is not a valid tokenizer: {}", file, what));
  };
  // The JSON reader takes a zero byte for the end of its input and would leave the rest unseen.
  if (content.find('\0') != content.npos) fail("it contains a zero byte");
  nlohmann::json json;
  try {
    json = nlohmann::json::parse(content, [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
      if (depth > 1) fail("it is nested more deeply than any tokenizer of this program");
      return true;
    });
  } catch (const nlohmann::json::exception&) {
    fail("it is not JSON in UTF-8");
  }
  if (!json.is_object()) fail("it is not a JSON object");
  if (json.value("format", nlohmann::json()) != kTokenizerFormat) {
    fail(fmt::format("its \"format\" is not \"{}\"", kTokenizerFormat));
  }
  if (json.value("version", nlohmann::json()) != kTokenizerVersion) {
    fail(fmt::format("its \"version\" is not {}; a newer program may read it", kTokenizerVersion));
  }
  const nlohmann::json kind = json.value("kind", nlohmann::json());
  if (kind == "byte") return make_byte_tokenizer();
  if (kind != "char" && kind != "word") fail("its \"kind\" is neither \"char\", \"byte\" nor \"word\"");

  const char* const key = kind == "char" ? "characters" : "words";
  const auto found = json.find(key);
  if (found == json.end() || !found->is_string()) fail(fmt::format("\"{}\" is not a text", key));
  const std::string_view text = found->get_ref<const std::string&>();
  if (kind == "word") return parse_word_tokenizer(text, file);
  if (text.empty()) fail("\"characters\" is empty");
  std::vector<std::int32_t> characters;
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint character = first_code_point(text.substr(i));
    if (character.length == 0) fail("\"characters\" is not UTF-8");
    if (!characters.empty() && character.value <= characters.back()) {
      fail("\"characters\" is not sorted, or names a character twice");
    }
    characters.push_back(character.value);
    i += character.length;
  }
  return std::make_unique<CharTokenizer>(characters);
}

}  // namespace attend::data
