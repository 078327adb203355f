#pragma once

#include <atomic>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "io/process.h"

namespace attend::task {

/// Thrown when a job was asked to stop.
class Stopped : public std::exception {};

struct AptOptions {
  /// For lists that the machine's own apt does not have; made when it is needed.
  std::filesystem::path cache = {};
  /// An empty folder for what need not stay.
  std::filesystem::path scratch = {};
  bool refresh = false;  ///< fetch the lists even if there are some
  const std::atomic<bool>* stop = nullptr;
  /// Is told, in one line, what takes long.
  std::function<void(const std::string&)> say = {};
};

/// One of the archive's lists, as apt keeps it.
struct AptList {
  std::filesystem::path path;     ///< it may be compressed
  std::filesystem::path release;  ///< the file that has its checksum
  std::string key;                ///< its name there, such as "main/i18n/Translation-fr"
};

/// The lists of Debian's archive area main, for the first release that the machine's sources name: release
/// pockets such as "bookworm-updates" do not count.
struct AptLists {
  std::string release;  ///< "Debian bookworm 12.5, http://deb.debian.org/debian"
  AptList packages;
  std::map<std::string, AptList> translations;  ///< by language
};

/// Debian's archive as this machine is set up to use it: its apt finds the mirror, the proxy and the keys,
/// and checks signatures and checksums of all that it fetches. Root is not needed, and nothing of the system
/// is changed.
///
/// Every function throws Error with apt's own reason when apt or dpkg-deb fails or takes too long, and
/// Stopped.
class Apt {
 public:
  explicit Apt(AptOptions options) : options_(std::move(options)) {}

  /// Lists with the descriptions in these languages ("en", "fr"): those of the machine's apt when it has them
  /// all, otherwise those in the cache, otherwise they are fetched into the cache.
  AptLists lists(const std::vector<std::string>& languages);

  /// The content of a list as a file in the scratch folder. Throws Error when its SHA256 is not the one in
  /// the release file.
  std::filesystem::path decompressed(const AptList& list);

  /// The files of a package, fetched and unpacked below the scratch folder, not installed.
  std::filesystem::path unpacked(const std::string& package);

 private:
  struct Output {
    io::ProcessResult result = {};
    std::filesystem::path output = {}, errors = {};
  };

  Output call(const std::vector<std::string>& words, const std::filesystem::path& folder = {});
  Output require(const std::string& what, const std::vector<std::string>& words,
                 const std::filesystem::path& folder = {});
  std::optional<AptLists> find(const std::filesystem::path& lists, const std::vector<std::string>& languages);
  void fetch(const std::vector<std::string>& languages);
  void update(const std::filesystem::path& lists, const std::vector<std::string>& languages);
  std::filesystem::path cached_lists() const { return options_.cache / "lists"; }
  void say(const std::string& line) const {
    if (options_.say) options_.say(line);
  }

  AptOptions options_;
  int calls_ = 0;
  std::filesystem::path lists_folder_;  // of the lists that were found last; empty: the machine's
};

}  // namespace attend::task
