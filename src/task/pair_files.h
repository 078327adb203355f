#pragma once

#include <memory>

#include "attend/data/parallel.h"
#include "attend/task/pairs.h"
#include "task/config_json.h"

namespace attend::task {

/// Opens pair files. `option` is what an error names them by ("--data"). Throws Error when they are not one
/// table or two files, or as the readers do.
std::unique_ptr<data::RecordReader<data::TextPair>> open_pairs(const PairFiles& files, const char* option);

/// "data" of config.json.
PairFacts read_pair_facts(const Json& value);
Json json_of_pair_facts(const PairFacts& facts);

}  // namespace attend::task
