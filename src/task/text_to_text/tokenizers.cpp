#include <fmt/format.h>

#include "attend/base/error.h"
#include "task/model_folder.h"
#include "task/text_to_text/data.h"

namespace attend::task {

namespace {

std::vector<std::int32_t> with_end(std::vector<std::int32_t> ids, std::int32_t end) {
  ids.push_back(end);
  return ids;
}

}  // namespace

PairTokenizers PairTokenizers::train(const data::TokenizerOptions& options, bool shared,
                                     std::string_view sources, std::string_view targets) {
  if (shared) {
    const std::shared_ptr<const data::Tokenizer> both =
        data::train_tokenizer(options, std::string(sources) + std::string(targets));
    return {both, both};
  }
  return {data::train_tokenizer(options, sources), data::train_tokenizer(options, targets)};
}

PairTokenizers PairTokenizers::load(const std::filesystem::path& folder, bool shared) {
  const std::shared_ptr<const data::Tokenizer> source = data::load_tokenizer(folder);
  if (shared) return {source, source};
  return {source, data::load_tokenizer(folder / kTargetFolder)};
}

void PairTokenizers::save(const std::filesystem::path& folder) const {
  source_->save(folder);
  if (target_ == source_) return;
  make_folder(folder / kTargetFolder);
  target_->save(folder / kTargetFolder);
}

std::vector<std::int32_t> PairTokenizers::encode_source(std::string_view text) const {
  return with_end(source_->encode(text), source_end());
}

std::vector<std::int32_t> PairTokenizers::encode_target(std::string_view text) const {
  return with_end(target_->encode(text), target_end());
}

}  // namespace attend::task
