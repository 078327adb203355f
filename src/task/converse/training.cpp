#include <fmt/format.h>

#include <system_error>
#include <unordered_set>

#include "attend/base/error.h"
#include "attend/io/file.h"
#include "attend/task/converse.h"
#include "attend/task/text_search.h"
#include "task/card_text.h"
#include "task/converse/config.h"
#include "task/converse/documents.h"
#include "task/encoder_start.h"
#include "task/model_folder.h"
#include "task/pair_card.h"
#include "task/training.h"

namespace attend::task {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kTextsAtOnce = 1024;

TrainingPlace place_in(const ConverseJob& job, const char* folder) {
  TrainingPlace place = job;
  place.out = job.out / folder;
  return place;
}

data::EmbeddingIndex index_of(const TextSearch& search, const std::vector<std::string>& texts,
                              const std::vector<std::string>& shown) {
  data::EmbeddingIndex index = search.new_index();
  for (std::size_t begin = 0; begin < texts.size(); begin += kTextsAtOnce) {
    const std::size_t count = std::min(kTextsAtOnce, texts.size() - begin);
    search.add(index, std::span(texts).subspan(begin, count), std::span(shown).subspan(begin, count));
  }
  return index;
}

/// Every different answer, in the order of the pairs.
std::vector<std::string> answers_of(const PairFiles& files) {
  TextPairs pairs = read_pairs(files);
  std::vector<std::string> answers;
  std::unordered_set<std::string> seen;
  for (std::string& answer : pairs.targets)
    if (seen.insert(answer).second) answers.push_back(std::move(answer));
  return answers;
}

std::string converse_card(const ConverseConfig& config, const SearchConfig& search, std::string_view command,
                          std::string_view folder) {
  CardRows rows = pair_rows(*search.data);
  rows.emplace_back("Answers", fmt::format("{} different ones", config.answers));
  rows.emplace_back("Documents",
                    config.documents.empty()
                        ? "none"
                        : fmt::format("{}: {} paragraphs", card_code(config.documents), config.paragraphs));
  rows.emplace_back("Generator", config.generates ? "`generator/`" : "none");
  rows.emplace_back("Search", "`search/`, whose card has the numbers");
  rows.emplace_back("Command", card_code(command));
  return fmt::format(
             "# An agent that replies\n\nIt finds the answer, or the paragraph of a document, that fits a "
             "question best, and says which it used; trained by\nattend from {}.\n\n",
             card_start(search.training->start)) +
         card_table(rows) +
         fmt::format(
             "\n## Limits\n\nIt always replies, fitting or not: look at the scores. What a generator writes "
             "may "
             "be fluent and wrong.\n\n## Use\n\n    attend run {0}\n    attend see {0} \"...\" --out "
             "page.html\n",
             folder);
}

/// An encoder that is in the folder would be gone before the search starts from it.
void require_start_elsewhere(const ConverseJob& job) {
  const fs::path init = job.search.start.init;
  if (init.empty()) return;
  std::error_code ignored;
  const auto folder_of = [&](const fs::path& path) {
    return (fs::weakly_canonical(path, ignored) / "").string();
  };
  if (folder_of(init).starts_with(folder_of(job.out)))
    throw Error(
        fmt::format("init {}: lies in {}, which is to be overwritten", init.string(), job.out.string()));
}

}  // namespace

ConverseConfig train_converse(const ConverseJob& job) {
  check_place(job, job.documents);
  // Found to be good before anything is written.
  const std::vector<Paragraph> paragraphs =
      job.documents.empty() ? std::vector<Paragraph>() : read_paragraphs(job.documents);
  if (job.generate) validate(job.generator);
  if (job.overwrite && !job.resume) {
    validate(job.search);
    require_start_elsewhere(job);
    const EncoderStarter start(job.search.start, job, false, job.search.model, job.search.tokenizer);
    read_pairs(job.data);
    remove_model(job.out);
  }
  ConverseConfig config{.documents = job.documents.string(), .generates = job.generate, .results = {}};
  const SearchConfig search_config =
      train_search({place_in(job, kSearchFolder), job.data, job.valid, job.search});
  config.results = search_config.results;
  const auto interrupted = [](const TrainingResults& results) { return results.ended == "interrupted"; };
  if (interrupted(*config.results)) return config;
  PairFiles pairs = job.data;
  if (pairs.empty())
    for (const std::string& path : search_config.data->paths) pairs.paths.emplace_back(path);
  if (job.generate) {
    say(job, "the generator learns from the same pairs");
    const TextToTextConfig generator =
        train_text_to_text({place_in(job, kGeneratorFolder), "translate", pairs, job.valid, job.generator});
    if (interrupted(*generator.results)) {
      config.results = generator.results;
      return config;
    }
  }
  const TextSearch search(job.out / kSearchFolder);
  const std::vector<std::string> answers = answers_of(pairs);
  index_of(search, answers, answers).save(job.out / kAnswersFile);
  config.answers = static_cast<std::int64_t>(answers.size());
  config.paragraphs = static_cast<std::int64_t>(paragraphs.size());
  if (!paragraphs.empty()) {
    std::vector<std::string> texts, shown;
    for (const Paragraph& paragraph : paragraphs) {
      texts.push_back(paragraph.text);
      shown.push_back(paragraph.document + '\t' + paragraph.text);
    }
    index_of(search, texts, shown).save(job.out / kDocumentsFile);
  }
  io::write_file_atomically(job.out / kCardFile,
                            converse_card(config, search_config, job.command, job.out.string()));
  write_converse_config(job.out, config);
  return config;
}

}  // namespace attend::task
