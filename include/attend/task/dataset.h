#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Real data from Debian's archive, so that every task can be tried on a Debian machine.
namespace attend::task {

/// A data set that prepare_dataset() can make.
struct Dataset {
  std::string name;
  std::string use;     ///< the task it is for
  std::string about;   ///< what it holds
  std::string record;  ///< what a line of its files is
};

/// Every data set there is.
const std::vector<Dataset>& datasets();

struct DatasetJob {
  std::string name = {};
  std::filesystem::path out = {};  ///< the folder to make; it must not be there, or be empty
  /// A folder for lists of the archive that the machine's apt does not have. They are used again.
  std::filesystem::path cache = {};
  /// For cross-validation: which part of the sources is measured on (data::SplitShares::fold).
  std::int64_t fold = 0;
  std::int64_t scenes = 0;                           ///< to learn from, of "fashion-scenes"; 0: 16,000
  bool refresh = false;                              ///< fetch the lists again
  std::string command;                               ///< for the README
  const std::atomic<bool>* stop = nullptr;           ///< becomes true: give up
  std::function<void(const std::string&)> say = {};  ///< is told, in one line, what takes long
};

struct DatasetFile {
  std::string name;
  std::optional<std::int64_t> records = {};  ///< absent: a file about the records, which holds none
};

struct DatasetResult {
  bool stopped = false;   ///< by `stop`: there is no folder
  std::string unit = {};  ///< what is counted: "pairs", "characters"
  std::vector<DatasetFile> files = {};
  std::int64_t bad_records = 0;  ///< passed over in what was read
};

/// Makes a folder with train, valid and test (*.tsv or *.txt) and a README that tells where the data comes
/// from, the terms it is under, and how it was made; as a whole or not at all.
///
/// The records of one source package are all in one part, chosen by its name (data::split_of), and the same
/// in every set of lists, so that texts that resemble each other do not cross from training to measuring. No
/// source text is there twice. Lines are in an order that looks random and is always the same. In the same
/// way the questions of one manual page are in one part, one after the other.
///
/// What is not on the machine is fetched by its own apt, as /etc/apt says, which checks signatures and
/// checksums; without root, and without changing anything but `out` and `cache`. Throws Error when the name
/// is unknown, there is no such fold, the set has no scenes, or so many, `out` cannot be made, or apt fails,
/// with apt's reason.
DatasetResult prepare_dataset(const DatasetJob& job);

}  // namespace attend::task
