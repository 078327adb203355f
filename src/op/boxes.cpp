#include "attend/op/boxes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "attend/op/cast.h"
#include "attend/op/operators.h"
#include "attend/op/reduce.h"
#include "attend/op/shape.h"
#include "backend/cast.h"
#include "op/check.h"
#include "op/chunk.h"

namespace attend::op {

namespace {

struct Box {
  double x0 = 0, y0 = 0, x1 = 0, y1 = 0;

  double area() const { return std::max(x1 - x0, 0.0) * std::max(y1 - y0, 0.0); }
};

double intersection(const Box& a, const Box& b) {
  return Box{std::max(a.x0, b.x0), std::max(a.y0, b.y0), std::min(a.x1, b.x1), std::min(a.y1, b.y1)}.area();
}

double hull(const Box& a, const Box& b) {
  return Box{std::min(a.x0, b.x0), std::min(a.y0, b.y0), std::max(a.x1, b.x1), std::max(a.y1, b.y1)}.area();
}

double share(double part, double whole) {
  return whole == 0 ? 0 : part / whole;
}

double iou(const Box& a, const Box& b) {
  const double both = intersection(a, b);
  return share(both, a.area() + b.area() - both);
}

double giou(const Box& a, const Box& b) {
  const double both = intersection(a, b), all = a.area() + b.area() - both, around = hull(a, b);
  return share(both, all) - share(around - all, around);
}

void check_boxes(const char* name, const Tensor& boxes) {
  check_floating(name, boxes);
  if (boxes.rank() != 2 || boxes.dim(1) != 4)
    throw Error(fmt::format("{} of boxes {}: [N, 4] needed", name, boxes.text()));
}

std::vector<Box> boxes_of(const Tensor& tensor) {
  const std::vector<double> v = tensor.to_vector<double>();
  std::vector<Box> boxes;
  boxes.reserve(v.size() / 4);
  for (std::size_t i = 0; i < v.size(); i += 4) boxes.push_back({v[i], v[i + 1], v[i + 2], v[i + 3]});
  return boxes;
}

Tensor of_pairs(const char* name, const Tensor& a, const Tensor& b,
                double (*measure)(const Box&, const Box&)) {
  check_boxes(name, a);
  check_boxes(name, b);
  if (a.dtype() != b.dtype())
    throw Error(fmt::format("{} of boxes {} and {}: one dtype needed", name, a.text(), b.text()));
  const std::vector<Box> rows = boxes_of(a), columns = boxes_of(b);
  const Tensor result = Tensor::empty({a.dim(0), b.dim(0)}, DType::f64);
  double* to = result.data<double>();
  parallel_for(a.dim(0), rows_of_chunk(b.dim(0)), [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i)
      for (std::size_t j = 0; j < columns.size(); ++j)
        to[i * columns.size() + j] = measure(rows[i], columns[j]);
  });
  return a.dtype() == DType::f64 ? result : backend::cast(result, DType::f32);
}

// The product of the two sides of each, [N]; `sides` is [N, 2].
Tensor area_of(const Tensor& sides) {
  return reshape(slice(sides, 1, 0, 1) * slice(sides, 1, 1, 2), {sides.dim(0)});
}

}  // namespace

Tensor box_iou(const Tensor& a, const Tensor& b) {
  return of_pairs("box_iou", a, b, iou);
}

Tensor box_giou(const Tensor& a, const Tensor& b) {
  return of_pairs("box_giou", a, b, giou);
}

Tensor giou_loss(const Tensor& a, const Tensor& b, Reduction reduction) {
  check_boxes("giou_loss", a);
  check_boxes("giou_loss", b);
  if (!(a.shape() == b.shape()) || a.dtype() != b.dtype())
    throw Error(fmt::format("giou_loss of boxes {} and {}: one shape and dtype needed", a.text(), b.text()));
  constexpr double kEpsilon = 1e-7;
  const DType dtype = parameter_dtype(a.dtype());
  const auto corner = [&](const Tensor& boxes, int first) {
    return slice(cast(boxes, dtype), 1, first, first + 2);
  };
  const Tensor low_a = corner(a, 0), high_a = corner(a, 2), low_b = corner(b, 0), high_b = corner(b, 2);
  const Tensor both =
      area_of(maximum(minimum(high_a, high_b) - maximum(low_a, low_b), Tensor::zeros({}, dtype)));
  const Tensor all = area_of(high_a - low_a) + area_of(high_b - low_b) - both;
  const Tensor around = area_of(maximum(high_a, high_b) - minimum(low_a, low_b));
  const Tensor losses = 1.0 - both / (all + kEpsilon) + (around - all) / (around + kEpsilon);
  if (reduction == Reduction::none) return losses;
  const Tensor total = sum(losses);
  if (reduction == Reduction::sum) return total;
  return scale(total, 1 / static_cast<double>(std::max<std::int64_t>(a.dim(0), 1)));
}

Tensor nms(const Tensor& boxes, const Tensor& scores, double iou_threshold) {
  check_boxes("nms", boxes);
  check_floating("nms: scores,", scores);
  if (!(scores.shape() == Shape{boxes.dim(0)}))
    throw Error(fmt::format("nms of boxes {} with scores {}: scores [{}] needed", boxes.text(), scores.text(),
                            boxes.dim(0)));
  if (std::isnan(iou_threshold)) throw Error("nms: iou_threshold is NaN; a number needed");
  const std::vector<Box> all = boxes_of(boxes);
  const std::vector<double> values = scores.to_vector<double>();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Box& box = all[i];
    for (const double v : {box.x0, box.y0, box.x1, box.y1, values[i]})
      if (!std::isfinite(v))
        throw Error(fmt::format("nms: {} in box or score {}; finite numbers needed", v, i));
  }
  std::vector<std::size_t> order(all.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t i, std::size_t j) { return values[i] > values[j]; });
  std::vector<std::int64_t> kept;
  for (const std::size_t i : order)
    if (std::none_of(kept.begin(), kept.end(), [&](std::int64_t k) {
          return iou(all[static_cast<std::size_t>(k)], all[i]) > iou_threshold;
        }))
      kept.push_back(static_cast<std::int64_t>(i));
  return Tensor::from(kept, {static_cast<std::int64_t>(kept.size())});
}

}  // namespace attend::op
