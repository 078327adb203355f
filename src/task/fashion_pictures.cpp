#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/io/file.h"
#include "attend/io/idx.h"
#include "task/dataset_content.h"

// Pictures that Debian packages hold.
namespace attend::task {

namespace fs = std::filesystem;

DatasetContent fashion_pictures(Apt& apt, int /*fold*/) {
  const std::string package = "dataset-fashion-mnist";
  const fs::path files = apt.unpacked(package), folder = files / "usr/share/datasets/fashion-mnist";
  DatasetContent content{.unit = "pictures",
                         .origin = fmt::format("The files of the Debian package {}.", package),
                         .split =
                             "The parts are those of the data set's authors: train-* to learn from, t10k-* "
                             "to measure on. classes.txt names the classes 0 to 9, a line each.",
                         .baseline =
                             "Ridge regression of the pixels tells 81 % of the test pictures, a network "
                             "of two convolutions 92.5 %."};
  for (const char* part : {"train", "t10k"})
    for (const char* kind : {"-images-idx3-ubyte.gz", "-labels-idx1-ubyte.gz"}) {
      const fs::path path = folder / (std::string(part) + kind);
      if (!fs::exists(path))
        throw Error(fmt::format("the package {} has no file {}; another release of Debian may have it",
                                package, fs::relative(path, files).string()));
      content.files.push_back({.name = path.filename().string(),
                               .content = io::read_file(path),
                               .records = io::read_idx(path).shape.at(0)});
    }
  content.files.push_back({.name = "classes.txt",
                           .content = "T-shirt\nTrouser\nPullover\nDress\nCoat\nSandal\nShirt\nSneaker\nBag\n"
                                      "Ankle boot\n",
                           .records = 10});
  take_terms(content, apt, package, files);
  return content;
}

}  // namespace attend::task
