#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "support/expect_error.h"
#include "support/files.h"

namespace attend::test {

struct Damage {
  std::string from, to;  ///< the first place of one text in config.json becomes another
  std::string part;      ///< of the error
};

/// Model(folder) tells of each damage to the folder's config.json in one line, opens the folder without any,
/// and tells of a folder that is not there.
template <class Model>
void expect_damage_is_told(const std::filesystem::path& folder, const std::vector<Damage>& damages) {
  const std::filesystem::path path = folder / "config.json";
  const std::string good = read_all(path);
  for (const Damage& damage : damages) {
    SCOPED_TRACE(damage.to);
    std::string bad = good;
    const std::size_t at = bad.find(damage.from);
    ASSERT_NE(at, std::string::npos) << damage.from;
    bad.replace(at, damage.from.size(), damage.to);
    write_all(path, bad);
    EXPECT_ERROR(Model{folder}, damage.part);
  }
  write_all(path, good);
  EXPECT_NO_THROW(Model{folder});
  EXPECT_ERROR(Model{folder / "nowhere"}, "no such folder");
}

}  // namespace attend::test
