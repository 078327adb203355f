#include "task/pair_files.h"

#include <fmt/format.h>

#include <utility>

#include "attend/base/error.h"
#include "task/option_ranges.h"

namespace attend::task {

namespace {

template <class Facts, class Visit>
void for_each_fact(Facts& facts, Visit&& visit) {
  const Range<std::int64_t> count{0, INT64_MAX};
  visit("paths", facts.paths, Anything{});
  visit("validation_paths", facts.validation_paths, Anything{});
  visit("checksum", facts.checksum, Anything{});
  visit("pairs", facts.pairs, count);
  visit("validation_pairs", facts.validation_pairs, count);
  visit("source_tokens", facts.source_tokens, count);
  visit("target_tokens", facts.target_tokens, count);
  visit("skipped", facts.skipped, count);
  visit("too_long", facts.too_long, count);
}

}  // namespace

std::unique_ptr<data::RecordReader<data::TextPair>> open_pairs(const PairFiles& files, const char* option) {
  const data::ReadOptions read = {.bad_records =
                                      files.skip_bad ? data::BadRecords::kSkip : data::BadRecords::kThrow};
  if (files.paths.size() == 2) {
    if (!files.columns.empty())
      throw Error(fmt::format("{}: columns are named, which two files of lines do not have", option));
    return std::make_unique<data::ParallelReader>(files.paths[0], files.paths[1], read);
  }
  if (files.paths.size() != 1)
    throw Error(fmt::format("{}: {} files given; one table of pairs or two files of lines are accepted",
                            option, files.paths.size()));
  data::DelimitedOptions table = data::delimited_options(files.paths[0]);
  table.header = !files.columns.empty();
  table.columns = files.columns;
  table.read = read;
  return std::make_unique<data::PairTableReader>(files.paths[0], table);
}

TextPairs read_pairs(const PairFiles& files) {
  TextPairs pairs;
  const auto reader = open_pairs(files, "--data");
  while (auto pair = reader->next()) {
    pairs.sources.push_back(std::move(pair->source));
    pairs.targets.push_back(std::move(pair->target));
  }
  pairs.skipped = reader->skipped().count;
  if (pairs.sources.empty())
    throw Error(fmt::format("--data {}: no pairs in it", files.paths.front().string()));
  return pairs;
}

PairFacts read_pair_facts(const Json& value) {
  PairFacts facts;
  read_object(value, "data", [&](auto&& visit) { for_each_fact(facts, visit); });
  return facts;
}

Json json_of_pair_facts(const PairFacts& facts) {
  return object_of([&](auto&& visit) { for_each_fact(facts, visit); });
}

}  // namespace attend::task
