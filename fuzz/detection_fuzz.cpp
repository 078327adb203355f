#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <vector>

#include "attend/base/error.h"
#include "attend/data/detection_images.h"
#include "attend/io/image.h"
#include "support/temporary_folder.h"

namespace {

using namespace attend::data;

void require(bool holds) {
  if (!holds) std::abort();
}

void write(const std::filesystem::path& path, std::string_view content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  require(file.good());
}

/// A folder with the pictures that annotations may name, of 8 x 6 pixels.
struct Folder {
  attend::test::TemporaryFolder root;

  Folder() {
    for (const char* part : {"Annotations", "JPEGImages"}) std::filesystem::create_directories(root / part);
    attend::io::Image image{.height = 6, .width = 8, .channels = 1};
    image.pixels.resize(48);
    const std::vector<std::byte> png = attend::io::encode_png(image);
    for (const char* picture : {"a.png", "b.png"})
      write(root / "JPEGImages" / picture, {reinterpret_cast<const char*>(png.data()), png.size()});
  }
};

/// What a set promises; or an Error of one line.
template <class Read>
void try_to(const Read& read) {
  try {
    const DetectionImages set = read();
    for (std::int64_t i = 0; i < set.size(); ++i) {
      const ImageEntry entry = set.entry(i);
      require(entry.height > 0 && entry.width > 0 && !entry.name.empty());
      for (const AnnotatedBox& object : set.boxes(i)) {
        const Box& box = object.box;
        require(has_inside(box) && box.x0 >= 0 && box.y0 >= 0 &&
                double{box.x1} <= static_cast<double>(entry.width) &&
                double{box.y1} <= static_cast<double>(entry.height));
        require(box.label >= 0 && box.label < std::ssize(set.class_names()));
        require(!object.area || *object.area >= 0);
      }
    }
  } catch (const attend::Error& error) {
    const std::string_view message = error.what();
    require(!message.empty() && message.find('\n') == message.npos);
  }
}

}  // namespace

/// Any bytes as a Pascal VOC annotation and as COCO's JSON.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view content(reinterpret_cast<const char*>(data), size);
  static const Folder folder;
  const std::filesystem::path& root = folder.root.path();
  write(root / "Annotations" / "a.xml", content);
  try_to([&] { return DetectionImages::from_voc(root); });
  for (const BadRecords policy : {BadRecords::kThrow, BadRecords::kSkip})
    try_to([&] {
      return DetectionImages::from_coco(root / "Annotations" / "a.xml", root / "JPEGImages",
                                        {.bad_records = policy});
    });
  return 0;
}
