#include "task/picture_sources.h"

#include <fstream>

namespace attend::task {

bool is_table(const std::filesystem::path& path) {
  return path.extension() == ".csv" || path.extension() == ".tsv" || path.extension() == ".tab";
}

std::vector<std::string> class_names_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  std::ifstream file(folder / "classes.txt");
  for (std::string line; std::getline(file, line);)
    if (!line.empty()) names.push_back(line);
  return names;
}

}  // namespace attend::task
