#include "task/pair_tokens.h"

#include <fmt/format.h>

#include <algorithm>

#include "attend/base/error.h"
#include "attend/data/text_sample.h"
#include "attend/data/token_file.h"
#include "io/printable.h"
#include "task/model_folder.h"
#include "task/pair_files.h"

namespace attend::task {

namespace fs = std::filesystem;

namespace {

constexpr const char* kPairsFile = "training/pairs.bin";
constexpr std::int64_t kMostHeldOut = 2000;

std::uint64_t checksum_of(const data::TextPair& pair, std::uint64_t before) {
  return data::checksum(
      "\n", data::checksum(pair.target, data::checksum("\t", data::checksum(pair.source, before))));
}

std::vector<std::string> names_of(const PairFiles& files) {
  std::vector<std::string> names;
  for (const fs::path& path : files.paths) names.push_back(path.string());
  return names;
}

PairFiles files_named(const std::vector<std::string>& names, const PairFiles& how) {
  PairFiles files = how;
  files.paths.assign(names.begin(), names.end());
  return files;
}

}  // namespace

PairTokens::PairTokens(const PairFiles& data, const PairFiles& valid, const fs::path& out,
                       const PairFacts* begun)
    : data_(data), valid_(valid), out_(out), kept_(out / kPairsFile) {
  if (begun != nullptr) {
    facts_ = *begun;
    if (data_.empty() && keeps_tokens()) return;
    if (data_.empty()) data_ = files_named(facts_.paths, data);
    if (valid_.empty()) valid_ = files_named(facts_.validation_paths, valid);
  }
  if (data_.empty())
    throw Error("--data FILE [FILE] is needed: a table of pairs, or a file of sources and one of targets");
  scan(begun);
}

void PairTokens::scan(const PairFacts* begun) {
  data::TextSample sources, targets;
  PairFacts found;
  found.paths = names_of(data_);
  found.validation_paths = names_of(valid_);
  std::uint64_t checksum = data::checksum("");
  const auto pairs = open_pairs(data_, "--data");
  while (const auto pair = pairs->next()) {
    sources.add(pair->source);
    targets.add(pair->target);
    checksum = checksum_of(*pair, checksum);
    ++scanned_;
  }
  found.skipped = pairs->skipped().count;
  if (valid_.empty()) {
    held_out_ = std::min(scanned_ / 10, kMostHeldOut);
  } else {
    const auto validation = open_pairs(valid_, "--valid");
    while (const auto pair = validation->next()) checksum = checksum_of(*pair, checksum);
    found.skipped += validation->skipped().count;
  }
  found.checksum = checksum;
  if (scanned_ == 0)
    throw Error(fmt::format("--data {}: no pairs in it", io::printable(found.paths.front())));
  if (valid_.empty() && held_out_ == 0)
    throw Error(
        fmt::format("--data {}: {} pairs are too few to hold a tenth of them out; more pairs or --valid "
                    "FILE are needed",
                    io::printable(found.paths.front()), scanned_));
  if (begun != nullptr && checksum != facts_.checksum)
    throw Error(fmt::format("--data {}: other pairs than those that the training in {} began with",
                            io::printable(found.paths.front()), out_.string()));
  facts_ = found;
  source_sample_ = sources.text();
  target_sample_ = targets.text();
}

std::pair<bool, bool> PairTokens::any_kept(const std::function<bool(const data::TextPair&)>& keeps) const {
  // What a folder keeps was found to be good before.
  if (scanned_ == 0) return {true, true};
  bool learns = false, holds_out = false;
  const auto pairs = open_pairs(data_, "--data");
  for (std::int64_t i = 0; !(learns && (holds_out || held_out_ == 0)); ++i) {
    const auto pair = pairs->next();
    if (!pair) break;
    bool& found = i < scanned_ - held_out_ ? learns : holds_out;
    found = found || keeps(*pair);
  }
  if (!valid_.empty()) {
    const auto validation = open_pairs(valid_, "--valid");
    while (!holds_out) {
      const auto pair = validation->next();
      if (!pair) break;
      holds_out = keeps(*pair);
    }
  }
  return {learns, holds_out};
}

bool PairTokens::keeps_tokens() const {
  try {
    const data::SequenceFile file(kept_);
    return file.format().source == facts_.checksum &&
           file.records() == facts_.pairs + facts_.validation_pairs;
  } catch (const Error&) {
    return false;
  }
}

void PairTokens::write_tokens(const Encode& encode, std::int64_t vocabulary) {
  facts_.pairs = facts_.validation_pairs = facts_.source_tokens = facts_.target_tokens = facts_.too_long = 0;
  const data::SequenceFile::Format format = {
      .vocabulary = vocabulary, .fields = 2, .source = facts_.checksum};
  data::SequenceFile::write(kept_, format, [&](const data::SequenceFile::Sink& add) {
    const auto put = [&](const data::TextPair& pair, std::int64_t& count) {
      const Encoded encoded = encode(pair);
      if (encoded.too_long) ++facts_.too_long;
      if (encoded.left_out) return;
      add(encoded.source);
      add(encoded.target);
      facts_.source_tokens += static_cast<std::int64_t>(encoded.source.size());
      facts_.target_tokens += static_cast<std::int64_t>(encoded.target.size());
      ++count;
    };
    const auto pairs = open_pairs(data_, "--data");
    for (std::int64_t i = 0; const auto pair = pairs->next(); ++i)
      put(*pair, i < scanned_ - held_out_ ? facts_.pairs : facts_.validation_pairs);
    if (valid_.empty()) return;
    const auto validation = open_pairs(valid_, "--valid");
    while (const auto pair = validation->next()) put(*pair, facts_.validation_pairs);
  });
}

void PairTokens::save(const Encode& encode, std::int64_t vocabulary) {
  if (!keeps_tokens()) {
    NewFolders folders;
    folders.make(kept_.parent_path());
    write_tokens(encode, vocabulary);
  }
  file_.emplace(kept_);
}

}  // namespace attend::task
