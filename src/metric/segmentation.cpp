#include "attend/metric/segmentation.h"

#include <fmt/format.h>

#include "attend/base/error.h"

namespace attend::metric {
namespace {

void check(std::span<const std::uint8_t> labels, std::int64_t classes, const char* side,
           std::optional<std::uint8_t> ignored) {
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (labels[i] >= classes && (!ignored || labels[i] != *ignored))
      throw Error(fmt::format("segmentation: pixel {} has the {} class {}; classes are 0 to {}", i, side,
                              labels[i], classes - 1));
}

}  // namespace

PixelConfusion::PixelConfusion(std::int64_t classes) : classes_(classes) {
  if (classes < 1 || classes > 256)
    throw Error(fmt::format("segmentation: {} classes; there must be 1 to 256", classes));
  counts_.assign(static_cast<std::size_t>(classes * classes), 0);
}

void PixelConfusion::add(std::span<const std::uint8_t> expected, std::span<const std::uint8_t> predicted,
                         std::optional<std::uint8_t> ignored) {
  if (expected.size() != predicted.size())
    throw Error(fmt::format("segmentation: {} pixels predicted where {} are expected", predicted.size(),
                            expected.size()));
  check(expected, classes_, "expected", ignored);
  check(predicted, classes_, "predicted", {});
  for (std::size_t i = 0; i < expected.size(); ++i)
    if (!ignored || expected[i] != *ignored)
      ++counts_[static_cast<std::size_t>(expected[i] * classes_ + predicted[i])];
}

SegmentationScore segmentation_score(const PixelConfusion& confusion) {
  SegmentationScore result;
  const std::int64_t classes = confusion.classes();
  result.by_class.resize(static_cast<std::size_t>(classes));
  std::int64_t correct = 0;
  for (std::int64_t e = 0; e < classes; ++e)
    for (std::int64_t p = 0; p < classes; ++p) {
      const std::int64_t count = confusion.count(e, p);
      result.pixels += count;
      result.by_class[static_cast<std::size_t>(e)].expected += count;
      result.by_class[static_cast<std::size_t>(p)].predicted += count;
      if (e == p) correct += count;
    }
  if (result.pixels == 0) throw Error("segmentation: no pixels; at least one is needed");
  result.pixel_accuracy = static_cast<double>(correct) / static_cast<double>(result.pixels);
  for (std::int64_t c = 0; c < classes; ++c) {
    PixelClassScore& score = result.by_class[static_cast<std::size_t>(c)];
    const std::int64_t both = confusion.count(c, c), sum = score.expected + score.predicted;
    if (sum == 0) {
      ++result.absent;
      continue;
    }
    score.dice = 2 * static_cast<double>(both) / static_cast<double>(sum);
    score.iou = static_cast<double>(both) / static_cast<double>(sum - both);
    result.mean_dice += *score.dice;
    result.mean_iou += *score.iou;
  }
  const auto present = static_cast<double>(classes - result.absent);
  result.mean_dice /= present;
  result.mean_iou /= present;
  return result;
}

}  // namespace attend::metric
