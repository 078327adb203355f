#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attend/data/composed_scenes.h"
#include "task/dataset_content.h"

namespace attend::task {

/// The files of a part of a set of composed scenes, 0 to count - 1: PNG files of one name in PART/images and
/// PART/masks, PART/annotations.json in the format of COCO, and PART/classes.txt, which names the classes of
/// masks: "ground" and those of the objects.
std::vector<WholeFile> scene_files(const data::ComposedScenes& scenes, const std::string& part,
                                   std::int64_t count);

}  // namespace attend::task
