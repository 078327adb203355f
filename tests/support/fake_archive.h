#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "support/temporary_folder.h"

namespace attend::test {

struct FakePackage {
  std::string name, source, section;
  std::string synopsis, description;  ///< the lines of the description as a list has them
  /// Language, and what the description is there.
  std::vector<std::pair<std::string, std::string>> translations = {};
};

/// A Debian archive of a few packages in a folder, and an apt that is set up to use it and nothing else of
/// this machine: its lists are empty.
class FakeArchive {
 public:
  /// Languages that no package is translated to get an empty list.
  FakeArchive(const std::vector<FakePackage>& packages, const std::vector<std::string>& languages);

  /// Adds a package with this file, and its terms.
  void add_file(const std::string& package, const std::string& path, const std::string& content);

  /// The same for several files: path and content. With `documented_by`, its terms are those of this package.
  void add_files(const std::string& package, const std::map<std::string, std::string>& files,
                 const std::string& documented_by = "");

  /// Writes the archive's table of contents; must be called before it is used, and not after a change that is
  /// to look like damage.
  void sign();

  /// What the environment variable APT_CONFIG must be.
  std::filesystem::path configuration() const { return folder_ / "apt.conf"; }
  /// A file of the release, such as "main/i18n/Translation-fr.gz".
  std::filesystem::path list(const std::string& name) const { return folder_ / "archive/dists/fake" / name; }
  std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }
  const std::filesystem::path& path() const { return folder_.path(); }

  /// Whether this machine has apt at all.
  static bool possible();

 private:
  void write_configuration() const;
  std::string run(const std::vector<std::string>& words) const;
  std::string checksum(const std::filesystem::path& file) const;
  std::string line_of_release(const std::string& name) const;

  TemporaryFolder folder_;
  std::string architecture_, sums_;
  std::vector<std::string> lists_;
};

}  // namespace attend::test
