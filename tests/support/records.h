#pragma once

#include <fstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "attend/data/records.h"
#include "support/temporary_folder.h"

namespace attend::test {

/// A file with this content in a folder of its own.
class TemporaryText {
 public:
  explicit TemporaryText(std::string_view content, const std::string& name = "data") : path_(folder_ / name) {
    std::ofstream(path_, std::ios::binary) << content;
  }
  operator const std::filesystem::path&() const { return path_; }  // NOLINT(google-explicit-constructor)
  const std::filesystem::path& path() const { return path_; }

 private:
  TemporaryFolder folder_;
  std::filesystem::path path_;
};

/// The records that are left.
template <class Reader>
auto all_records(Reader&& reader) {
  using Record = typename decltype(reader.next())::value_type;
  using Kept = std::conditional_t<std::is_same_v<Record, std::string_view>, std::string, Record>;
  std::vector<Kept> records;
  while (const std::optional<Record> record = reader.next()) records.emplace_back(*record);
  return records;
}

/// Longer than any line that a reader takes by default.
inline std::string ten_megabytes() {
  std::string text;
  text.resize(10'000'000, 'x');
  return text;
}

inline constexpr data::ReadOptions kSkipBad = {.bad_records = data::BadRecords::kSkip};

}  // namespace attend::test
