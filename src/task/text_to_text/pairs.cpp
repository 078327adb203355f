#include "task/text_to_text/pairs.h"

#include <fmt/format.h>

#include "attend/base/error.h"

namespace attend::task {

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

}  // namespace attend::task
