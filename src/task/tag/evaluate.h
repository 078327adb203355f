#pragma once

#include <span>
#include <string>
#include <vector>

#include "attend/task/tagger.h"
#include "task/tag/data.h"

namespace attend::task {

/// How well a model tags sentences that have tags.
TagEvaluation evaluation_of(const model::SequenceTagger& model, const std::vector<std::string>& tags,
                            const TaggedParts& parts, DType compute);

/// The classes of parts as the tags of their sentences.
std::vector<std::vector<std::string>> sentences_of(const TaggedParts& parts,
                                                   std::span<const std::vector<std::int64_t>> classes,
                                                   const std::vector<std::string>& tags);

}  // namespace attend::task
