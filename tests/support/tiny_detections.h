#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <string>

#include "attend/io/file.h"
#include "attend/io/image.h"
#include "support/tiny_pictures.h"
#include "support/tiny_scenes.h"

/// Tiny scenes as files.
namespace attend::test {

/// Picture i of the scenes as 8 bits: dark below 60, objects from 180 on.
inline io::Image picture_of(const TinyScenes& scenes, std::int64_t i) {
  const std::int64_t height = scenes.pictures.dim(1), width = scenes.pictures.dim(2);
  io::Image image{.height = height, .width = width, .channels = 1};
  const float* first = scenes.pictures.data<float>() + i * height * width;
  for (std::int64_t p = 0; p < height * width; ++p)
    image.pixels.push_back(static_cast<std::uint8_t>(std::lround(180 * (first[p] + 0.5F))));
  return image;
}

/// Pascal VOC's annotation of a picture, in which the first pixel is number 1.
inline std::string voc_annotation(const std::string& file, const io::Image& picture,
                                  const std::vector<data::Box>& boxes) {
  const auto number = [](const char* name, double value) {
    return "<" + std::string(name) + ">" + std::to_string(std::llround(value)) + "</" + name + ">";
  };
  std::string text = "<annotation><filename>" + file + "</filename><size>" +
                     number("width", static_cast<double>(picture.width)) +
                     number("height", static_cast<double>(picture.height)) + "<depth>1</depth></size>\n";
  for (const data::Box& box : boxes)
    text += std::string("<object><name>") + (box.label == 0 ? "square" : "disc") + "</name><bndbox>" +
            number("xmin", box.x0 + 1) + number("ymin", box.y0 + 1) + number("xmax", box.x1) +
            number("ymax", box.y1) + "</bndbox></object>\n";
  return text + "</annotation>\n";
}

/// The folders Annotations and JPEGImages with `count` tiny scenes, 0.png and on.
inline void write_voc_scenes(const std::filesystem::path& folder, std::int64_t count,
                             std::uint64_t seed = 1) {
  std::filesystem::create_directories(folder / "Annotations");
  std::filesystem::create_directories(folder / "JPEGImages");
  const TinyScenes scenes = tiny_scenes(count, seed);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::string name = std::to_string(i);
    const io::Image picture = picture_of(scenes, i);
    write_png(folder / "JPEGImages" / (name + ".png"), picture);
    io::write_file_atomically(
        folder / "Annotations" / (name + ".xml"),
        voc_annotation(name + ".png", picture, scenes.targets[static_cast<std::size_t>(i)]));
  }
}

/// A list of the pictures first to end - 1.
inline void write_list(const std::filesystem::path& path, int first, int end) {
  std::string text;
  for (int i = first; i < end; ++i) text += std::to_string(i) + "\n";
  io::write_file_atomically(path, text);
}

}  // namespace attend::test
