#include "tensor/copy_strided.h"

#include <cstring>
#include <numeric>

#include "tensor/strided_loop.h"
#include "tensor/visit.h"

namespace attend {

namespace {

constexpr std::int64_t kGrainBytes = 1 << 17;

Shape reordered(const Shape& list, const std::array<int, Shape::kMaxRank>& order) {
  Shape result = list;
  for (int i = 0; i < list.rank(); ++i) result.set(i, list[order[static_cast<std::size_t>(i)]]);
  return result;
}

// The axes in the order in which the target lies in memory, then the one along which the source is dense as
// rows, so that a transposition can be done in tiles. Elements may be copied in any order.
StridedLoop<2> copy_loop(const Tensor& from, const Tensor& to) {
  std::array<int, Shape::kMaxRank> order{};
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.begin() + to.rank(),
                   [&](int a, int b) { return to.strides()[a] > to.strides()[b]; });
  StridedLoop<2> loop = merge_axes<2>(reordered(from.shape(), order),
                                      {reordered(from.strides(), order), reordered(to.strides(), order)});
  const int last = loop.shape.rank() - 1;
  if (loop.strides[0][last] == 1) return loop;
  for (int axis = 0; axis < last - 1; ++axis) {
    if (loop.strides[0][axis] != 1) continue;
    std::iota(order.begin(), order.end(), 0);
    std::rotate(order.begin() + axis, order.begin() + axis + 1, order.begin() + last);
    return {reordered(loop.shape, order),
            {reordered(loop.strides[0], order), reordered(loop.strides[1], order)}};
  }
  return loop;
}

template <class Word>
void copy_block(const Word* from, Word* to, const StridedBlock<2>& block) {
  const auto [from_row, to_row] = block.row_stride;
  const auto [from_column, to_column] = block.column_stride;
  if (from_column == 1 && to_column == 1) {
    const auto bytes = static_cast<std::size_t>(block.columns) * sizeof(Word);
    for (std::int64_t r = 0; r < block.rows; ++r) std::memcpy(to + r * to_row, from + r * from_row, bytes);
    return;
  }
  // Tiles keep the lines of the side that is walked across in the cache until they are used up.
  constexpr std::int64_t kTile = 64 / sizeof(Word) < 16 ? 16 : 64 / sizeof(Word);
  for (std::int64_t r = 0; r < block.rows; r += kTile)
    for (std::int64_t c = 0; c < block.columns; c += kTile) {
      const std::int64_t r_end = std::min(r + kTile, block.rows), c_end = std::min(c + kTile, block.columns);
      for (std::int64_t i = r; i < r_end; ++i) {
        const Word* p = from + i * from_row;
        Word* q = to + i * to_row;
        for (std::int64_t j = c; j < c_end; ++j) q[j * to_column] = p[j * from_column];
      }
    }
}

}  // namespace

void copy_strided(const Tensor& from, const Tensor& to) {
  if (from.elements() == 0) return;
  visit_word(from.dtype(), [&]<class Word>() {
    const auto* source = static_cast<const Word*>(from.raw());
    auto* target = static_cast<Word*>(to.raw());
    parallel_for_blocks(copy_loop(from, to), kGrainBytes / static_cast<std::int64_t>(sizeof(Word)),
                        [&](const StridedBlock<2>& block) {
                          copy_block(source + block.offset[0], target + block.offset[1], block);
                        });
  });
}

}  // namespace attend
