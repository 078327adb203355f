#include <fmt/format.h>

#include <algorithm>

#include "attend/base/error.h"
#include "attend/task/picture_generator.h"

namespace attend::task {

io::Image grid_of(std::span<const io::Image> pictures, std::int64_t columns) {
  constexpr std::int64_t kLine = 2;
  if (pictures.empty() || columns < 1) throw Error("a grid needs at least one picture and one column");
  const io::Image& first = pictures[0];
  const auto count = static_cast<std::int64_t>(pictures.size());
  columns = std::min(columns, count);
  const std::int64_t rows = (count + columns - 1) / columns;
  io::Image grid{.height = rows * (first.height + kLine) - kLine,
                 .width = columns * (first.width + kLine) - kLine,
                 .channels = first.channels};
  grid.pixels.assign(static_cast<std::size_t>(grid.height * grid.width * grid.channels), 255);
  for (std::int64_t i = 0; i < count; ++i) {
    const io::Image& picture = pictures[static_cast<std::size_t>(i)];
    io::check(picture);
    if (picture.height != first.height || picture.width != first.width || picture.channels != first.channels)
      throw Error(fmt::format("a grid of pictures of {} x {} x {} and {} x {} x {}: equal ones needed",
                              first.height, first.width, first.channels, picture.height, picture.width,
                              picture.channels));
    const std::int64_t top = i / columns * (first.height + kLine), left = i % columns * (first.width + kLine),
                       line = first.width * first.channels;
    for (std::int64_t row = 0; row < first.height; ++row)
      std::copy_n(picture.pixels.begin() + row * line, line,
                  grid.pixels.begin() + ((top + row) * grid.width + left) * grid.channels);
  }
  return grid;
}

}  // namespace attend::task
