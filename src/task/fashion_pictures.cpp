#include <fmt/format.h>

#include "attend/io/file.h"
#include "attend/io/idx.h"
#include "task/dataset_content.h"
#include "task/fashion_files.h"

// Pictures that Debian packages hold.
namespace attend::task {

namespace fs = std::filesystem;

DatasetContent fashion_pictures(Apt& apt, const DatasetJob& /*job*/) {
  const fs::path files = apt.unpacked(kFashionPackage), folder = fashion_files(files);
  DatasetContent content{.unit = "pictures",
                         .origin = fmt::format("The files of the Debian package {}.", kFashionPackage),
                         .split =
                             "The parts are those of the data set's authors: train-* to learn from, t10k-* "
                             "to measure on. classes.txt names the classes 0 to 9, a line each.",
                         .baseline =
                             "Ridge regression of the pixels tells 81 % of the test pictures, a network "
                             "of two convolutions 92.5 %."};
  for (const char* part : {"train", "t10k"})
    for (const std::string& name : {fashion_pictures_file(part), fashion_labels_file(part)})
      content.files.push_back({.name = name,
                               .content = io::read_file(folder / name),
                               .records = io::read_idx(folder / name).shape.at(0)});
  std::string classes;
  for (const std::string& name : fashion_classes()) classes += name + "\n";
  content.files.push_back({.name = "classes.txt", .content = classes});
  take_terms(content, apt, kFashionPackage, files);
  return content;
}

}  // namespace attend::task
