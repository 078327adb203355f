#include "task/scene_files.h"

#include <fmt/format.h>

#include <cstddef>

#include "attend/data/detections.h"
#include "attend/io/image.h"
#include "attend/io/label_map.h"

namespace attend::task {

namespace {

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string mask_classes(const std::vector<std::string>& classes) {
  std::string text = "ground\n";
  for (const std::string& name : classes) text += name + "\n";
  return text;
}

}  // namespace

std::vector<WholeFile> scene_files(const data::ComposedScenes& scenes, const std::string& part,
                                   std::int64_t count) {
  std::vector<WholeFile> files;
  std::vector<data::ImageEntry> pictures;
  std::vector<std::vector<data::AnnotatedBox>> boxes;
  std::int64_t objects = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const data::Scene scene = scenes.scene(i);
    const std::string name = fmt::format("{:05}.png", i);
    files.push_back(
        {.name = part + "/images/" + name, .content = text_of(io::encode_png(scene.image)), .records = 1});
    files.push_back({.name = part + "/masks/" + name,
                     .content = text_of(io::encode_label_map(*scene.mask, io::label_colors())),
                     .records = 1});
    pictures.push_back({.name = "images/" + name, .height = scene.image.height, .width = scene.image.width});
    boxes.emplace_back();
    for (const data::Box& box : scene.boxes) boxes.back().push_back({.box = box});
    objects += static_cast<std::int64_t>(scene.boxes.size());
  }
  const std::vector<std::string>& classes = scenes.class_names();
  files.push_back({.name = part + "/annotations.json",
                   .content = data::to_coco_annotations(pictures, boxes, classes),
                   .records = objects});
  files.push_back({.name = part + "/classes.txt", .content = mask_classes(classes)});
  return files;
}

}  // namespace attend::task
