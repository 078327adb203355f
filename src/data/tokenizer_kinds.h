#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "attend/data/tokenizer.h"

/// The kinds of tokenizers, for tokenizer.cpp.
namespace attend::data {

inline constexpr const char* kJsonName = "tokenizer.json";
inline constexpr const char* kModelName = "tokenizer.model";
/// "format" and "version" in tokenizer.json.
inline constexpr const char* kTokenizerFormat = "attend-tokenizer";
inline constexpr int kTokenizerVersion = 1;

/// Writes `content` as the folder's only tokenizer file.
void save_tokenizer_file(const std::filesystem::path& folder, const char* name, std::string_view content);

std::unique_ptr<Tokenizer> train_char_tokenizer(std::string_view text);
std::unique_ptr<Tokenizer> make_byte_tokenizer();
std::unique_ptr<Tokenizer> train_subword_tokenizer(const TokenizerOptions& options, std::string_view text);
std::unique_ptr<Tokenizer> train_word_tokenizer(const TokenizerOptions& options, std::string_view text);

/// From the content of tokenizer.json and tokenizer.model; `file` names it in errors.
std::unique_ptr<Tokenizer> parse_json_tokenizer(std::string_view content, std::string_view file);
/// From "words" of tokenizer.json.
std::unique_ptr<Tokenizer> parse_word_tokenizer(std::string_view words, std::string_view file);
std::unique_ptr<Tokenizer> parse_subword_tokenizer(std::string_view content, std::string_view file);

}  // namespace attend::data
