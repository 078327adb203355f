#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "attend/io/file.h"
#include "task/dataset_content.h"

namespace attend::task {

namespace fs = std::filesystem;

namespace {

bool is_package_name(std::string_view name) {
  const auto is_letter_or_digit = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return name.size() > 1 && is_letter_or_digit(name[0]) && std::ranges::all_of(name, [&](char c) {
           return is_letter_or_digit(c) || c == '+' || c == '-' || c == '.';
         });
}

}  // namespace

void take_terms(DatasetContent& content, Apt& apt, const std::string& package, const fs::path& files) {
  const fs::path folder = fs::path("usr/share/doc") / package;
  fs::path copyright = files / folder / "copyright";
  if (fs::is_symlink(files / folder)) {
    // A link to anywhere else than to a neighbour is none that a package should have.
    const std::string other = fs::read_symlink(files / folder).string();
    copyright = is_package_name(other) ? apt.unpacked(other) / "usr/share/doc" / other / "copyright" : "";
  }
  if (fs::is_regular_file(fs::symlink_status(copyright))) {
    content.copyright = io::read_file(copyright);
    content.terms =
        fmt::format("See the file copyright in this folder, which the package {} states.", package);
  } else {
    content.terms = fmt::format("The package {} states none in the usual place.", package);
  }
}

}  // namespace attend::task
