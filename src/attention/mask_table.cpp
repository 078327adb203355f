#include "attention/mask_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <list>
#include <mutex>
#include <unordered_map>

#include "attend/base/error.h"
#include "attention/pairs.h"

namespace attend::attention {

namespace {

using backend::AttentionPlace;

// What intervals cannot say.
bool needs_blocks(const Place& place) {
  return place.dilation > 1 || place.block > 0 || place.function != nullptr ||
         (place.global_tokens > 0 && place.window > 0);
}

struct Interval {
  std::int64_t begin, end;
};

Interval interval_of(const Place& place, std::int64_t at, std::int64_t keys) {
  Interval interval{0, keys};
  if (place.mask == Place::Mask::causal) interval.end = std::min(keys, std::max(at + 1, place.prefix));
  if (place.window > 0) {
    interval.begin = std::max(interval.begin, at - place.window + 1);
    interval.end = std::min(interval.end, at + place.window);
  }
  return interval;
}

// The keys of each document of one row.
std::unordered_map<std::int32_t, Interval> intervals_of(const std::int32_t* documents, std::int64_t keys) {
  std::unordered_map<std::int32_t, Interval> intervals;
  for (std::int64_t j = 0; j < keys; ++j) {
    const auto [at, is_new] = intervals.try_emplace(documents[j], Interval{j, j + 1});
    if (is_new) continue;
    if (at->second.end != j)
      throw Error(
          fmt::format("attention: document {} stands at places {} and {} with others between: documents must "
                      "lie together",
                      documents[j], at->second.end - 1, j));
    at->second.end = j + 1;
  }
  return intervals;
}

}  // namespace

std::shared_ptr<const MaskTable> MaskTable::of(const Place& place, const Run& run, std::int64_t batch,
                                               std::int64_t queries, std::int64_t keys) {
  if (allows_all(place, run)) return nullptr;
  auto table = std::make_shared<MaskTable>();
  const bool in_blocks = needs_blocks(place);
  if (in_blocks) table->blocks_ = kept_blocks_of(place, queries, keys);
  const bool by_row = masks_differ_by_row(run);
  if (in_blocks && !by_row) return table;
  const std::int64_t rows = by_row ? batch : 1;
  table->row_stride_ = by_row ? queries : 0;
  table->first_key_.resize(static_cast<std::size_t>(rows * queries));
  table->end_key_.resize(table->first_key_.size());
  for (std::int64_t b = 0; b < rows; ++b) {
    const Pairs checks_row({}, run, b, queries, keys);
    const std::int64_t length = run.key_lengths.defined() ? run.key_lengths.data<std::int32_t>()[b] : keys;
    std::unordered_map<std::int32_t, Interval> documents;
    const std::int32_t* of_query = nullptr;
    if (run.documents.defined()) {
      const Tensor& of_keys = run.key_documents.defined() ? run.key_documents : run.documents;
      documents = intervals_of(of_keys.data<std::int32_t>() + b * keys, keys);
      of_query = run.documents.data<std::int32_t>() + b * queries;
    }
    for (std::int64_t i = 0; i < queries; ++i) {
      Interval interval = in_blocks ? Interval{0, keys} : interval_of(place, i + keys - queries, keys);
      interval.end = std::min(interval.end, length);
      if (of_query != nullptr) {
        const auto own = documents.find(of_query[i]);
        const Interval document = own == documents.end() ? Interval{0, 0} : own->second;
        interval = {std::max(interval.begin, document.begin), std::min(interval.end, document.end)};
      }
      if (interval.begin >= interval.end) interval = {0, 0};
      const auto at = static_cast<std::size_t>(b * queries + i);
      table->first_key_[at] = static_cast<std::int32_t>(interval.begin);
      table->end_key_[at] = static_cast<std::int32_t>(interval.end);
    }
  }
  return table;
}

std::shared_ptr<const MaskTable::Blocks> MaskTable::blocks_of(const Place& place, std::int64_t queries,
                                                              std::int64_t keys) {
  constexpr std::int64_t kBlock = AttentionPlace::kBlock;
  const Pairs pairs(place, {}, 0, queries, keys);
  const std::int64_t reach = keys - queries, key_blocks = (keys + kBlock - 1) / kBlock;
  auto blocks = std::make_shared<Blocks>();
  std::uint64_t by_query[kBlock], by_key[kBlock];
  for (std::int64_t query = 0; query < queries; query += kBlock)
    for (std::int64_t block = 0; block < key_blocks; ++block) {
      const std::int64_t key = block * kBlock, first_place = query + reach,
                         last_place = first_place + kBlock - 1;
      std::fill_n(by_query, kBlock, 0);
      std::fill_n(by_key, kBlock, 0);
      const std::int64_t span = place.window * place.dilation;
      const bool global = first_place < place.global_tokens || key < place.global_tokens;
      const bool is_far = place.window > 0 && !global &&
                          (key - last_place >= span || first_place - (key + kBlock - 1) >= span);
      const bool is_later = place.mask == Place::Mask::causal && key > last_place && key >= place.prefix;
      std::int64_t allowed = 0, pairs_there = 0;
      if (!is_far && !is_later)
        for (std::int64_t r = 0; r < std::min(kBlock, queries - query); ++r)
          for (std::int64_t c = 0; c < std::min(kBlock, keys - key); ++c) {
            ++pairs_there;
            if (!pairs.allows(query + r, key + c)) continue;
            ++allowed;
            by_query[r] |= std::uint64_t{1} << c;
            by_key[c] |= std::uint64_t{1} << r;
          }
      if (allowed == 0) {
        blocks->kinds.push_back(AttentionPlace::kEmpty);
      } else if (allowed == pairs_there) {
        blocks->kinds.push_back(AttentionPlace::kFull);
      } else {
        blocks->kinds.push_back(AttentionPlace::kFirstBits +
                                static_cast<std::uint32_t>(blocks->by_query.size() / kBlock));
        blocks->by_query.insert(blocks->by_query.end(), by_query, by_query + kBlock);
        blocks->by_key.insert(blocks->by_key.end(), by_key, by_key + kBlock);
      }
    }
  return blocks;
}

std::shared_ptr<const MaskTable::Blocks> MaskTable::kept_blocks_of(const Place& place, std::int64_t queries,
                                                                   std::int64_t keys) {
  struct Kept {
    std::vector<std::int64_t> numbers;
    std::shared_ptr<const MaskFunction> function;
    std::shared_ptr<const Blocks> blocks;
  };
  constexpr std::size_t kMostKept = 16;
  static std::mutex mutex;
  static std::list<Kept> kept;
  const std::vector<std::int64_t> numbers = {static_cast<std::int64_t>(place.mask),
                                             place.prefix,
                                             place.window,
                                             place.dilation,
                                             place.global_tokens,
                                             place.block,
                                             place.window_blocks,
                                             place.global_blocks,
                                             place.random_blocks,
                                             static_cast<std::int64_t>(place.seed),
                                             queries,
                                             keys};
  {
    const std::lock_guard lock(mutex);
    for (auto i = kept.begin(); i != kept.end(); ++i)
      if (i->numbers == numbers && i->function == place.function) {
        kept.splice(kept.begin(), kept, i);
        return kept.front().blocks;
      }
  }
  auto blocks = blocks_of(place, queries, keys);
  const std::lock_guard lock(mutex);
  kept.push_front({numbers, place.function, blocks});
  if (kept.size() > kMostKept) kept.pop_back();
  return blocks;
}

backend::AttentionPlace MaskTable::view() const {
  backend::AttentionPlace place;
  if (!first_key_.empty()) {
    place.first_key = first_key_.data();
    place.end_key = end_key_.data();
    place.row_stride = row_stride_;
  }
  if (blocks_ != nullptr) {
    place.blocks = blocks_->kinds.data();
    place.bits_by_query = blocks_->by_query.data();
    place.bits_by_key = blocks_->by_key.data();
  }
  return place;
}

}  // namespace attend::attention
