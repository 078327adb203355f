#include "task/training_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "attend/base/error.h"
#include "attend/data/text.h"
#include "io/printable.h"
#include "task/model_folder.h"

namespace attend::task {

namespace fs = std::filesystem;

TrainingText::TrainingText(const TrainingPlace& place, TextSource source,
                           const std::optional<TextFacts>* begun)
    : tokenizer_(std::move(source.given_tokenizer)) {
  if (begun != nullptr) {
    if (!*begun)
      throw Error(fmt::format("{}: has no \"data\" to resume with", (place.out / kConfigFile).string()));
    facts_ = **begun;
    tokenizer_ = data::load_tokenizer(place.out);
  }
  if (!source.data.empty()) {
    read(source.data, place, source, begun != nullptr);
  } else if (begun == nullptr) {
    throw Error("--data FILE|DIR is needed: the text to learn from");
  } else if (!read_kept(place)) {
    read(facts_.path, place, source, true);
  }
  const data::TokenView tokens =
      kept_ ? kept_->tokens() : data::TokenView(std::span<const std::int32_t>(ids_), tokenizer_->size());
  split_ = data::split_by_position(tokens);
  if (split_.validation.size() < 2)
    throw Error(fmt::format("--data {}: {} tokens are too few, the last 10 % must be at least 2", facts_.path,
                            tokens.size()));
  const std::vector<std::int64_t> of_token = characters_of_tokens(*tokenizer_);
  facts_.tokens = tokens.size();
  facts_.characters = count_characters(tokens, of_token, 0);
  facts_.validation_tokens = split_.validation.size();
  facts_.validation_characters = count_characters(split_.validation, of_token, 0);
}

void TrainingText::read(const fs::path& path, const TrainingPlace& place, const TextSource& source,
                        bool begun) {
  const std::string_view kind = tokenizer_ != nullptr ? tokenizer_->kind() : source.tokenizer.kind;
  const std::string text = data::read_text(path, {.require_utf8 = kind != "byte"});
  const std::uint64_t checksum = data::checksum(text);
  if (begun && checksum != facts_.checksum)
    throw Error(fmt::format("--data {}: another text than the one that the training in {} began with ({})",
                            path.string(), place.out.string(), io::printable(facts_.path)));
  if (tokenizer_ == nullptr) tokenizer_ = data::train_tokenizer(source.tokenizer, text);
  facts_.path = path.string();
  facts_.checksum = checksum;
  facts_.bytes = static_cast<std::int64_t>(text.size());
  ids_ = tokenizer_->encode(text);
}

bool TrainingText::read_kept(const TrainingPlace& place) {
  try {
    data::TokenFile file(place.out / kTokensFile);
    if (file.source() != facts_.checksum || file.tokens().vocabulary() != tokenizer_->size()) return false;
    kept_.emplace(std::move(file));
    return true;
  } catch (const Error&) {
    return false;
  }
}

void TrainingText::save(const fs::path& folder) const {
  tokenizer_->save(folder);
  if (kept_) return;
  NewFolders folders;
  folders.make((folder / kTokensFile).parent_path());
  data::TokenFile::write(folder / kTokensFile, ids_, tokenizer_->size(), facts_.checksum);
}

std::string describe(const TextFacts& facts, const data::Tokenizer& tokenizer) {
  return fmt::format("text: {} characters, {} tokens ({} different), the last {} of them for validation",
                     facts.characters, facts.tokens, tokenizer.size(), facts.validation_tokens);
}

std::vector<std::int64_t> characters_of_tokens(const data::Tokenizer& tokenizer) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(tokenizer.size()));
  for (std::size_t id = 0; id < counts.size(); ++id) {
    counts[id] = std::ranges::count_if(tokenizer.piece(static_cast<std::int32_t>(id)), [](char c) {
      return (static_cast<unsigned char>(c) & 0xc0u) != 0x80u;
    });
  }
  return counts;
}

std::int64_t count_characters(const data::TokenView& tokens, const std::vector<std::int64_t>& of_token,
                              std::int64_t first) {
  constexpr std::int64_t kChunk = 1 << 16;
  std::vector<std::int32_t> ids;
  std::int64_t count = 0;
  for (std::int64_t begin = first; begin < tokens.size(); begin += kChunk) {
    ids.resize(static_cast<std::size_t>(std::min(kChunk, tokens.size() - begin)));
    tokens.copy(begin, ids);
    for (const std::int32_t id : ids) count += of_token[static_cast<std::size_t>(id)];
  }
  return count;
}

}  // namespace attend::task
