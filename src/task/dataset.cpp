#include "attend/task/dataset.h"

#include <fmt/format.h>

#include <algorithm>

#include "attend/base/error.h"
#include "io/printable.h"
#include "task/dataset_content.h"
#include "task/dataset_folder.h"

namespace attend::task {
namespace {

// Their files have names of five digits.
constexpr std::int64_t kMostScenes = 99999;

struct Entry {
  Dataset dataset;
  DatasetContent (*make)(Apt&, const DatasetJob&);
  int folds = 10;
  bool has_scenes = false;
};

const std::vector<Entry>& entries() {
  static const std::vector<Entry> all = {
      {{.name = "debian-en-fr",
        .use = "translate",
        .about = "descriptions of Debian packages with their French translations, sentence by sentence",
        .record = "English TAB French"},
       [](Apt& apt, const DatasetJob& job) { return translation_pairs(apt, "fr", job); }},
      {{.name = "debian-en-de",
        .use = "translate",
        .about = "descriptions of Debian packages with their German translations, sentence by sentence",
        .record = "English TAB German"},
       [](Apt& apt, const DatasetJob& job) { return translation_pairs(apt, "de", job); }},
      {{.name = "debian-summary",
        .use = "summarize",
        .about = "descriptions of Debian packages and the one line that sums them up",
        .record = "description TAB synopsis"},
       summary_pairs},
      {{.name = "debian-search",
        .use = "search",
        .about = "what Debian packages are in one line, and the description that this line belongs to",
        .record = "synopsis TAB description"},
       search_pairs},
      {{.name = "debian-sections",
        .use = "classify",
        .about = "descriptions of Debian packages in 14 sections of the archive that have a topic",
        .record = "text TAB label, under a header"},
       section_table},
      {{.name = "debian-text",
        .use = "pretrain",
        .about = "descriptions of Debian packages as running English text",
        .record = "a paragraph; an empty line after each package"},
       description_text},
      {{.name = "thesaurus",
        .use = "pretrain",
        .about = "English words that mean about the same, from a thesaurus made of WordNet",
        .record = "a word and others that share one of its meanings, with commas between them"},
       thesaurus_text},
      {{.name = "sherlock",
        .use = "generate",
        .about = "The Adventures of Sherlock Holmes, by Arthur Conan Doyle",
        .record = "text"},
       [](Apt& apt, const DatasetJob&) {
         return book_text(apt, "golang-github-jdkato-prose-dev", "sherlock.txt");
       },
       1},
      {{.name = "man-questions",
        .use = "answer",
        .about = "errors of system calls and C functions: which code is it that a manual page describes so",
        .record = "what an error means TAB the page's name and codes TAB the code TAB the character where it "
                  "starts"},
       manual_page_questions,
       5},
      {{.name = "fashion-mnist",
        .use = "image-classify",
        .about = "grey pictures of 28 x 28 pixels of ten kinds of clothes (Xiao et al., 2017)",
        .record = "a picture and its class, in IDX files"},
       fashion_pictures,
       1},
      {{.name = "fashion-scenes",
        .use = "detect",
        .about = "scenes of 96 x 96 pixels with up to four of those clothes, their boxes and their outlines",
        .record = "a grey picture (images) and its mask (masks), PNG files of one name; or an object in "
                  "annotations.json (COCO)"},
       fashion_scenes,
       1,
       true},
      {{.name = "brain-mri",
        .use = "segment",
        .about = "slices of a head by magnetic resonance imaging, and where its brain is",
        .record = "a grey picture (images) and its mask (masks), PNG files of one name"},
       brain_slices,
       1},
  };
  return all;
}

const Entry& find_entry(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Entry& entry : entries()) {
    if (entry.dataset.name == name) return entry;
    names.emplace_back(entry.dataset.name);
  }
  throw Error(fmt::format("data set {}: there are {}", io::printable(name), fmt::join(names, ", ")));
}

std::vector<WholeFile> files_of(const DatasetContent& content) {
  if (!content.files.empty()) return content.files;
  std::vector<WholeFile> files;
  for (std::size_t i = 0; i < kSplitNames.size(); ++i)
    files.push_back({kSplitNames[i] + content.extension, content.parts[i], content.records[i]});
  return files;
}

/// The files as they are told of: those in a folder below a part together.
std::vector<DatasetFile> listed(const DatasetContent& content) {
  std::vector<DatasetFile> list;
  for (const WholeFile& file : files_of(content)) {
    const std::size_t slash = file.name.rfind('/'), first = file.name.find('/');
    const std::string name = slash == first ? file.name : file.name.substr(0, slash + 1);
    const auto known = std::ranges::find(list, name, &DatasetFile::name);
    if (known == list.end())
      list.push_back({name, file.records});
    else if (known->records && file.records)
      *known->records += *file.records;
  }
  return list;
}

std::string readme(const DatasetJob& job, const Dataset& dataset, const DatasetContent& content) {
  std::string text = fmt::format("# {}\n\n{}.\n\n{}\n\n", dataset.name, dataset.about, content.origin);
  text[text.find(dataset.about)] -= dataset.about[0] >= 'a' && dataset.about[0] <= 'z' ? 'a' - 'A' : 0;
  text += content.files.empty() ? fmt::format("Each line: {}. UTF-8, no quotes.\n", dataset.record)
                                : fmt::format("Each record: {}.\n", dataset.record);
  text += fmt::format("\n| file | {} |\n|---|---|\n", content.unit);
  for (const DatasetFile& file : listed(content))
    text += fmt::format("| {} | {} |\n", file.name, file.records ? fmt::to_string(*file.records) : "-");
  text += fmt::format("\n{}\n", content.split);
  if (job.fold > 0)
    text += fmt::format("\nThis is fold {}: other groups are for measuring in each.\n", job.fold);
  if (!content.baseline.empty()) text += fmt::format("\n{}\n", content.baseline);
  text += fmt::format("\n## Terms\n\n{}\n", content.terms);
  if (!job.command.empty()) text += fmt::format("\n## Made by\n\n    {}\n", job.command);
  return text;
}

DatasetResult prepare(const DatasetJob& job, const Entry& entry) {
  if (job.fold < 0 || job.fold >= entry.folds)
    throw Error(fmt::format("fold {}: {} has {} fold{}, counted from 0", job.fold, entry.dataset.name,
                            entry.folds, entry.folds == 1 ? "" : "s"));
  if (job.scenes != 0 && !entry.has_scenes)
    throw Error(fmt::format("scenes {}: {} has no scenes", job.scenes, entry.dataset.name));
  if (job.scenes < 0 || job.scenes > kMostScenes)
    throw Error(fmt::format("scenes {}: 1 to {} needed, or 0 for as many as usual", job.scenes, kMostScenes));
  NewFolder folder(job.out);
  Apt apt({.cache = std::filesystem::absolute(job.cache),
           .scratch = std::filesystem::absolute(folder.scratch()),
           .refresh = job.refresh,
           .stop = job.stop,
           .say = job.say});
  const DatasetContent content = entry.make(apt, job);
  DatasetResult result{.unit = content.unit, .bad_records = content.bad_records};
  for (const WholeFile& file : files_of(content)) {
    if (job.stop != nullptr && *job.stop) throw Stopped();
    folder.add(file.name, file.content);
  }
  result.files = listed(content);
  if (!content.copyright.empty()) folder.add("copyright", content.copyright);
  folder.add("README.md", readme(job, entry.dataset, content));
  if (job.stop != nullptr && *job.stop) throw Stopped();
  folder.finish();
  return result;
}

}  // namespace

const std::vector<Dataset>& datasets() {
  static const std::vector<Dataset> all = [] {
    std::vector<Dataset> list;
    for (const Entry& entry : entries()) list.push_back(entry.dataset);
    return list;
  }();
  return all;
}

DatasetResult prepare_dataset(const DatasetJob& job) {
  const Entry& entry = find_entry(job.name);
  try {
    return prepare(job, entry);
  } catch (const Stopped&) {
    return {.stopped = true};
  } catch (const std::filesystem::filesystem_error& error) {
    throw Error(fmt::format("cannot make the folder {}: {}", job.out.string(), error.code().message()));
  }
}

}  // namespace attend::task
