#include "task/apt.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "attend/base/error.h"
#include "attend/data/control.h"
#include "attend/data/line_reader.h"
#include "attend/io/file.h"

namespace attend::task {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAptHelper = "/usr/lib/apt/apt-helper";

/// What "apt-get update" does beside fetching lists needs root, or is of no use here.
constexpr std::string_view kSettings =
    "#clear APT::Update;\n"
    "#clear Acquire::IndexTargets::deb-src;\n"
    "#clear Acquire::IndexTargets::deb::CNF;\n"
    "#clear Acquire::IndexTargets::deb::Contents-deb;\n"
    "#clear Acquire::IndexTargets::deb::DEP-11;\n"
    "#clear Acquire::IndexTargets::deb::DEP-11-icons;\n"
    "#clear Acquire::IndexTargets::deb::DEP-11-icons-small;\n"
    "#clear Acquire::IndexTargets::deb::DEP-11-icons-hidpi;\n"
    "#clear Acquire::IndexTargets::deb::DEP-11-icons-large;\n"
    "#clear Acquire::IndexTargets::deb::DEP-11-icons-large-hidpi;\n";

std::string option(std::string_view name, std::string_view value) {
  return fmt::format("-o{}={}", name, value);
}

std::vector<std::string> apt_get(std::string_view verb, const fs::path& lists) {
  // Neither the machine's own cache files nor their absence matter.
  std::vector<std::string> words = {"apt-get", "-q", std::string(verb), option("Dir::Cache::pkgcache", ""),
                                    option("Dir::Cache::srcpkgcache", "")};
  if (!lists.empty()) words.push_back(option("Dir::State::Lists", lists.string() + "/"));
  // As root, apt would fetch as a user who may not enter our folders.
  if (::geteuid() == 0) words.push_back(option("APT::Sandbox::User", "root"));
  return words;
}

std::string language_option(const std::vector<std::string>& languages) {
  return option("Acquire::Languages",
                languages.empty() ? "none" : fmt::format("{}", fmt::join(languages, ",")));
}

/// Why a program failed, in one line; empty when it does not say. Of apt's messages that is the first about
/// something it could not fetch, then the first about an error.
std::string reason_of(const io::ProcessResult& result, const fs::path& errors) {
  if (result.end == io::ProcessEnd::timed_out) return "it took too long";
  if (result.end == io::ProcessEnd::killed) return fmt::format("it was ended by signal {}", result.code);
  std::string failed, error, last;
  data::LineReader lines(errors, {.bad_records = data::BadRecords::kSkip});
  while (const auto line = lines.next()) {
    if (failed.empty() && line->substr(std::min<std::size_t>(3, line->size())).starts_with("Failed to fetch"))
      failed = line->substr(3);
    if (error.empty() && line->starts_with("E: ")) error = line->substr(3);
    if (!line->starts_with("W: ") && line->find_first_not_of(' ') != line->npos) last = *line;
  }
  std::string reason = !failed.empty() ? failed : !error.empty() ? error : last;
  std::ranges::replace_if(
      reason, [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
  return reason;
}

std::string field(const data::ControlRecord& record, std::string_view name) {
  const std::string* value = record.find(name);
  return value == nullptr ? std::string() : *value;
}

bool is_list_of_main(const data::ControlRecord& record) {
  return field(record, "Origin") == "Debian" && field(record, "Component") == "main" &&
         field(record, "Suite").find('-') == std::string::npos &&
         field(record, "Codename").find('-') == std::string::npos && fs::exists(field(record, "Filename"));
}

/// "a/lists/HOST_dists_fake_InRelease" of "a/lists/HOST_dists_fake_main_i18n_Translation-fr.lz4"; empty when
/// there is none.
fs::path release_file_of(const fs::path& list, std::string key) {
  std::ranges::replace(key, '/', '_');
  const std::string name = list.filename().string();
  const std::size_t prefix = name.rfind(key);
  if (prefix == std::string::npos) return {};
  for (const char* release : {"InRelease", "Release"}) {
    const fs::path path = list.parent_path() / (name.substr(0, prefix) + release);
    if (fs::exists(path)) return path;
  }
  return {};
}

/// The SHA256 that a release file has for a list: " CHECKSUM SIZE KEY" in a line of its field SHA256. The
/// file may be signed, which puts lines of another kind around its fields.
std::string checksum_in(const fs::path& release, const std::string& key) {
  constexpr std::size_t kLength = 64;
  data::LineReader lines(release, {.bad_records = data::BadRecords::kSkip});
  bool inside = false;
  while (const auto line = lines.next()) {
    if (!line->starts_with(' ')) {
      inside = line->starts_with("SHA256:");
    } else if (inside && line->ends_with(' ' + key) && line->size() > kLength) {
      return std::string(line->substr(1, kLength));
    }
  }
  return {};
}

std::string release_of(const data::ControlRecord& record) {
  std::string text = "Debian " + field(record, "Codename");
  for (const char* name : {"Version", "Repo-URI"}) {
    if (const std::string value = field(record, name); !value.empty())
      text += (name[0] == 'R' ? ", " : " ") + value;
  }
  return text;
}

/// Only one process at a time fetches into a cache.
class CacheLock {
 public:
  explicit CacheLock(const fs::path& cache) {
    std::error_code error;
    fs::create_directories(cache, error);
    if (error) throw Error(fmt::format("cannot make the folder {}: {}", cache.string(), error.message()));
    file_ = ::open((cache / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file_ < 0)
      throw Error(
          fmt::format("cannot write to {}: {}", cache.string(), std::generic_category().message(errno)));
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
      ::close(file_);
      throw Error(fmt::format("another process is fetching lists into {}; try again when it is done",
                              cache.string()));
    }
  }
  ~CacheLock() { ::close(file_); }
  CacheLock(const CacheLock&) = delete;
  CacheLock& operator=(const CacheLock&) = delete;

 private:
  int file_ = -1;
};

/// A folder that is gone at the end, whatever happens.
class PassingFolder {
 public:
  explicit PassingFolder(fs::path path) : path_(std::move(path)) {
    fs::remove_all(path_);
    fs::create_directories(path_ / "partial");
  }
  ~PassingFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  PassingFolder(const PassingFolder&) = delete;
  PassingFolder& operator=(const PassingFolder&) = delete;

  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace

Apt::Output Apt::call(const std::vector<std::string>& words, const fs::path& folder) {
  const std::string name = std::to_string(++calls_);
  Output output{.output = options_.scratch / (name + ".out"), .errors = options_.scratch / (name + ".err")};
  output.result = io::run_process(
      words, {.folder = folder, .output = output.output, .errors = output.errors, .stop = options_.stop});
  if (output.result.end == io::ProcessEnd::stopped) throw Stopped();
  return output;
}

Apt::Output Apt::require(const std::string& what, const std::vector<std::string>& words,
                         const fs::path& folder) {
  Output output = call(words, folder);
  const io::ProcessResult& result = output.result;
  if (result.end == io::ProcessEnd::exited && result.code == 0) return output;
  std::string reason = reason_of(result, output.errors);
  if (reason.empty()) reason = fmt::format("ended with code {}", result.code);
  throw Error(fmt::format("{}: {}", what, reason));
}

std::optional<AptLists> Apt::find(const fs::path& lists, const std::vector<std::string>& languages) {
  std::vector<std::string> words = apt_get("indextargets", lists);
  words.push_back(language_option(languages));
  const Output output = call(words);
  if (output.result.end != io::ProcessEnd::exited || output.result.code != 0) return std::nullopt;
  data::ControlReader records(output.output, {.bad_records = data::BadRecords::kSkip});
  AptLists found;
  std::string codename;
  while (const auto record = records.next()) {
    if (!is_list_of_main(*record)) continue;
    if (codename.empty()) codename = field(*record, "Codename");
    if (field(*record, "Codename") != codename) continue;
    const std::string kind = field(*record, "Created-By"), key = field(*record, "MetaKey");
    const fs::path path = field(*record, "Filename");
    const AptList list{path, release_file_of(path, key), key};
    if (kind == "Packages" && found.packages.path.empty()) {
      found.packages = list;
      found.release = release_of(*record);
    }
    if (kind == "Translations") found.translations.emplace(field(*record, "Language"), list);
  }
  const auto is_missing = [&](const std::string& language) { return !found.translations.contains(language); };
  if (found.packages.path.empty() || std::ranges::any_of(languages, is_missing)) return std::nullopt;
  return found;
}

/// Throws Error unless the folder then has the lists with the descriptions in these languages.
void Apt::update(const fs::path& lists, const std::vector<std::string>& languages) {
  const fs::path settings = options_.scratch / "apt.conf";
  io::write_file_atomically(settings, kSettings);
  // All that any data set needs, so that the next one fetches nothing.
  std::set<std::string> wanted(languages.begin(), languages.end());
  wanted.insert({"en", "fr", "de"});
  std::vector<std::string> words = apt_get("update", lists);
  words.insert(words.end(), {"-c", settings.string(), language_option({wanted.begin(), wanted.end()}),
                             option("Acquire::Retries", "2"), option("Acquire::http::Timeout", "30"),
                             option("Acquire::https::Timeout", "30")});
  const Output output = call(words);
  // A source of somebody else may fail; what counts is that the lists are there.
  if (find(lists, languages)) return;
  std::string reason = reason_of(output.result, output.errors);
  if (reason.empty())
    reason = fmt::format(
        "no source of this machine has Debian's lists of packages{}{}; its /etc/apt must name a Debian "
        "mirror",
        languages.empty() ? "" : " with descriptions in ", fmt::join(languages, ", "));
  throw Error("apt-get update: " + reason);
}

void Apt::fetch(const std::vector<std::string>& languages) {
  const CacheLock lock(options_.cache);
  try {
    const PassingFolder part(options_.cache / "lists.part");
    say("fetching Debian's lists of packages");
    update(part.path(), languages);
    fs::remove_all(cached_lists());
    fs::rename(part.path(), cached_lists());
  } catch (const fs::filesystem_error& error) {
    throw Error(fmt::format("cannot write to {}: {}", options_.cache.string(), error.code().message()));
  }
}

AptLists Apt::lists(const std::vector<std::string>& languages) {
  if (!options_.refresh) {
    for (const fs::path& folder : {fs::path(), cached_lists()}) {
      if (!folder.empty() && !fs::exists(folder)) continue;
      lists_folder_ = folder;
      if (std::optional<AptLists> found = find(folder, languages)) return *found;
    }
  }
  fetch(languages);
  lists_folder_ = cached_lists();
  std::optional<AptLists> found = find(lists_folder_, languages);
  if (!found) throw Error(fmt::format("{}: the lists that were fetched are gone", lists_folder_.string()));
  return *found;
}

fs::path Apt::decompressed(const AptList& list) {
  const std::string name = list.path.string();
  say("reading " + list.path.filename().string());
  const fs::path content = require("apt-helper cat-file " + name, {kAptHelper, "cat-file", name}).output;
  // Some decompressors take what is cut off for the end.
  const Output sum = require("sha256sum", {"sha256sum", content.string()});
  const std::string expected = list.release.empty() ? std::string() : checksum_in(list.release, list.key);
  if (expected.empty())
    throw Error(
        fmt::format("{}: there is no release file beside it that has the SHA256 of {}", name, list.key));
  if (!io::read_file(sum.output).starts_with(expected))
    throw Error(fmt::format("{} is damaged: its SHA256 is not the one in {}; --refresh fetches it again",
                            name, list.release.filename().string()));
  return content;
}

fs::path Apt::unpacked(const std::string& package) {
  lists({});
  const fs::path fetched = options_.scratch / "packages" / package,
                 files = options_.scratch / "files" / package;
  fs::create_directories(fetched);
  fs::create_directories(files);
  say("fetching the package " + package);
  std::vector<std::string> words = apt_get("download", lists_folder_);
  words.push_back(package);
  require("apt-get download " + package, words, fetched);
  for (const fs::directory_entry& entry : fs::directory_iterator(fetched)) {
    if (entry.path().extension() != ".deb") continue;
    require("dpkg-deb -x " + entry.path().filename().string(),
            {"dpkg-deb", "-x", entry.path().string(), files.string()});
    return files;
  }
  throw Error(fmt::format("apt-get download {}: it fetched no package", package));
}

}  // namespace attend::task
