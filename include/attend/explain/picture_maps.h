#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "attend/explain/terminal.h"
#include "attend/io/image.h"

namespace attend::explain {

/// Which places of a picture count, by one measure.
struct PictureMap {
  std::string name;   ///< such as "Grad-CAM"
  std::string about;  ///< what the measure is, a sentence
  std::int64_t height = 0, width = 0;
  std::vector<float> values = {};  ///< [height, width], from 0 to 1, over the whole of the picture
};

/// A picture and what a model looked at in it.
struct PictureMaps {
  std::string title;
  io::Image picture = {};
  std::vector<PictureMap> maps = {};
};

/// Throws Error unless io::check() takes the picture, there is a map, and each map has values from 0 to 1, as
/// many as its size says.
void check(const PictureMaps& maps);

struct PicturePngOptions {
  std::int64_t side = 224;   ///< pixels of the longer side of each copy of the picture, 16 to 2048
  std::int64_t columns = 4;  ///< copies beside each other, at least 1
};

/// The picture in grey under the colours of a map (heat_colors), larger values brighter.
io::Image overlay(const PictureMaps& maps, std::size_t map, std::int64_t side = 224);

/// A PNG file with the picture and after it an overlay of each map, row by row. Throws Error if check() does,
/// and for options out of range.
std::vector<std::byte> to_png(const PictureMaps& maps, const PicturePngOptions& options = {});

/// One HTML file that needs no network: the picture, and each overlay with its name and meaning. Throws Error
/// if check() does.
std::string to_html(const PictureMaps& maps);

/// A JSON object (UTF-8) with every number. Throws Error if check() does.
std::string to_json(const PictureMaps& maps);

/// Each map as lines of text, reduced to at most 24 rows and columns that fit. Of the options width, color,
/// unicode and theme count. Throws Error if check() does.
std::string to_terminal(const PictureMaps& maps, const TerminalOptions& options = {});

}  // namespace attend::explain
