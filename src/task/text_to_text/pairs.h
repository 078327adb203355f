#pragma once

#include <memory>
#include <string>

#include "attend/data/parallel.h"
#include "attend/task/text_to_text.h"

namespace attend::task {

/// Opens pair files. `option` is what an error names them by ("--data"). Throws Error when they are not one
/// table or two files, or as the readers do.
std::unique_ptr<data::RecordReader<data::TextPair>> open_pairs(const PairFiles& files, const char* option);

}  // namespace attend::task
