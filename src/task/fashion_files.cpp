#include "task/fashion_files.h"

#include "task/package_files.h"

namespace attend::task {

namespace fs = std::filesystem;

std::string fashion_pictures_file(const std::string& part) {
  return part + "-images-idx3-ubyte.gz";
}

std::string fashion_labels_file(const std::string& part) {
  return part + "-labels-idx1-ubyte.gz";
}

fs::path fashion_files(const fs::path& files) {
  const std::string folder = "usr/share/datasets/fashion-mnist/";
  for (const char* part : {"train", "t10k"})
    for (const std::string& name : {fashion_pictures_file(part), fashion_labels_file(part)})
      package_file(files, kFashionPackage, folder + name);
  return files / folder;
}

const std::vector<std::string>& fashion_classes() {
  static const std::vector<std::string> names = {"T-shirt", "Trouser", "Pullover", "Dress", "Coat",
                                                 "Sandal",  "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
  return names;
}

}  // namespace attend::task
