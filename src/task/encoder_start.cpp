#include "task/encoder_start.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "attend/base/error.h"
#include "attend/data/word_vectors.h"
#include "attend/model/weights.h"
#include "attend/task/task.h"
#include "attend/train/checkpoint.h"
#include "io/printable.h"
#include "task/config_json.h"
#include "task/encoder_tokens.h"
#include "task/model_folder.h"
#include "task/training.h"

namespace attend::task {

namespace fs = std::filesystem;

namespace {

// All encoder tasks name their encoder so.
constexpr std::string_view kEncoderPrefix = "encoder.", kTable = "encoder.token_embedding.weight",
                           kSegmentTable = "encoder.segment_embedding.weight";

/// How a token was found among the words of a file; later ones are better.
enum class Match : std::uint8_t { none, lower, exact };

/// The tokens that stand for whole words: they begin with a space, as words inside a text do.
class WordTokens {
 public:
  explicit WordTokens(const data::Tokenizer& tokenizer) {
    for (std::int32_t id = 0; id < tokenizer.size(); ++id) {
      const std::string_view piece = tokenizer.piece(id);
      if (piece.size() < 2 || piece.front() != ' ') continue;
      std::string word(piece.substr(1));
      exact_[word].push_back(id);
      std::ranges::transform(word, word.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      });
      lower_[word].push_back(id);
    }
  }

  std::span<const std::int32_t> exact(const std::string& word) const { return in(exact_, word); }
  /// Those that are this word when written in small letters.
  std::span<const std::int32_t> lower(const std::string& word) const { return in(lower_, word); }

 private:
  using Ids = std::unordered_map<std::string, std::vector<std::int32_t>>;

  static std::span<const std::int32_t> in(const Ids& ids, const std::string& word) {
    const auto found = ids.find(word);
    return found == ids.end() ? std::span<const std::int32_t>() : std::span(found->second);
  }

  Ids exact_, lower_;
};

/// The part of a model folder that has the encoder. Throws Error when there is none.
fs::path encoder_folder(const fs::path& folder) {
  const Task& task = task_of_folder(folder);
  if (!task.encoder.empty()) return task.encoder == "." ? folder : folder / task.encoder;
  std::vector<std::string_view> names;
  for (const Task& other : tasks())
    if (!other.encoder.empty()) names.push_back(other.name);
  throw Error(
      fmt::format("{}: a model of the task {}, which has no encoder to start from; one of {} is needed",
                  (folder / kConfigFile).string(), io::printable(task.name), fmt::join(names, ", ")));
}

/// Reads the parameters "encoder.*" of a model, part by part when its segments stay as they are.
void load_encoder(nn::Module& model, const fs::path& path, bool with_segments) {
  if (with_segments) return model::load_parameters(model, path, kEncoderPrefix);
  std::set<std::string> parts;
  for (const nn::NamedParameter& parameter : model.parameters())
    if (parameter.name.starts_with(kEncoderPrefix) && parameter.name != kSegmentTable)
      parts.insert(parameter.name.substr(0, parameter.name.find('.', kEncoderPrefix.size()) + 1));
  for (const std::string& part : parts) model::load_parameters(model, path, part);
}

}  // namespace

StartingEncoder read_starting_encoder(const fs::path& model_folder) {
  const fs::path folder = encoder_folder(model_folder);
  const Json config = read_config(folder);
  const std::string path = (folder / kConfigFile).string();
  if (!config.contains("model")) throw Error(fmt::format("{}: \"model\" is missing", path));
  StartingEncoder encoder;
  encoder.config = model::encoder_config_from_json(config["model"].dump(), path + ": \"model\"");
  const auto read_tokenizer = [&](const Json& object, const char* kind, const char* vocabulary) {
    if (object.contains(kind)) read(object[kind], kind, encoder.tokenizer.kind);
    if (object.contains(vocabulary)) read(object[vocabulary], vocabulary, encoder.tokenizer.vocabulary);
  };
  try {
    read_tokenizer(config, "tokenizer", "");
    if (config.contains("training") && config["training"].is_object())
      read_tokenizer(config["training"], "tokenizer", "vocabulary");
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", path, error.what()));
  }
  return encoder;
}

EncoderStarter::EncoderStarter(const EncoderStart& start, const TrainingPlace& place, bool begun,
                               const model::EncoderConfig& config, const data::TokenizerOptions& tokenizer)
    : start_(start),
      place_(place),
      needed_(!begun || !train::CheckpointFolder(place.out / "training").has_any()) {
  if (!start.init.empty() && !start.word_vectors.empty())
    throw Error(fmt::format("init {} and word_vectors {}: embeddings start from one of them, not from both",
                            start.init, start.word_vectors));
  if (!needed_ || start.init.empty()) return;
  const StartingEncoder encoder = read_starting_encoder(start.init);
  const auto refuse = [&](std::string_view key, const auto& wanted, const auto& found) {
    throw Error(fmt::format("{} {}: the encoder in {} has {}, and a training that starts from it keeps it",
                            key, wanted, start.init, found));
  };
  const Json wanted = Json::parse(model::to_json(config)),
             found = Json::parse(model::to_json(encoder.config));
  for (const auto& [key, value] : wanted.items())
    if (key != "vocabulary" && key != "dropout" && key != "segments" && value != found[key])
      refuse(key, value.dump(), found[key].dump());
  keeps_segments_ = config.segments == encoder.config.segments;
  if (tokenizer.kind != encoder.tokenizer.kind) refuse("tokenizer", tokenizer.kind, encoder.tokenizer.kind);
  if (tokenizer.vocabulary != encoder.tokenizer.vocabulary)
    refuse("vocabulary", tokenizer.vocabulary, encoder.tokenizer.vocabulary);
}

std::unique_ptr<data::Tokenizer> EncoderStarter::tokenizer() const {
  if (!needed_ || start_.init.empty()) return nullptr;
  return load_encoder_tokenizer(encoder_folder(start_.init),
                                read_starting_encoder(start_.init).config.vocabulary);
}

void EncoderStarter::load(nn::Module& model, const data::Tokenizer& tokenizer, bool skip_bad) const {
  if (!needed_) return;
  if (!start_.init.empty()) load_encoder(model, encoder_folder(start_.init) / kWeightsFile, keeps_segments_);
  if (start_.word_vectors.empty()) return;
  for (const nn::NamedParameter& parameter : model.parameters())
    if (parameter.name == kTable) load_word_vectors(parameter.tensor, tokenizer, skip_bad);
}

void EncoderStarter::load_word_vectors(const Tensor& table, const data::Tokenizer& tokenizer,
                                       bool skip_bad) const {
  data::WordVectorReader reader(
      start_.word_vectors, {.bad_records = skip_bad ? data::BadRecords::kSkip : data::BadRecords::kThrow});
  const std::int64_t dim = table.dim(1);
  if (reader.dim() != dim)
    throw Error(
        fmt::format("word vectors {}: {} numbers for each word; the model has dim {}, the same is needed",
                    start_.word_vectors, reader.dim(), dim));
  const WordTokens words(tokenizer);
  std::vector<Match> matches(static_cast<std::size_t>(tokenizer.size()), Match::none);
  const auto put = [&](std::int32_t id, Match match, const std::vector<float>& values) {
    Match& known = matches[static_cast<std::size_t>(id)];
    if (known >= match) return;
    known = match;
    std::ranges::copy(values, table.data<float>() + id * dim);
  };
  while (const auto vector = reader.next()) {
    for (const std::int32_t id : words.exact(vector->word)) put(id, Match::exact, vector->values);
    for (const std::int32_t id : words.lower(vector->word)) put(id, Match::lower, vector->values);
  }
  const auto found = std::ranges::count_if(matches, [](Match match) { return match != Match::none; });
  if (found == 0)
    throw Error(fmt::format("word vectors {}: none of its words is a token of the {} tokenizer",
                            start_.word_vectors, tokenizer.kind()));
  std::string line = fmt::format("word vectors: {} of {} tokens found", found, tokenizer.size());
  if (reader.skipped().count > 0) line += fmt::format("; {} bad records skipped", reader.skipped().count);
  say(place_, line);
}

}  // namespace attend::task
