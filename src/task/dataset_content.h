#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attend/data/split.h"
#include "attend/task/dataset.h"
#include "task/apt.h"

namespace attend::task {

inline constexpr std::array<const char*, 3> kSplitNames = {"train", "valid", "test"};

/// A file of a data set that is no text of records.
struct WholeFile {
  std::string name, content;                 ///< the name may begin with folders
  std::optional<std::int64_t> records = {};  ///< absent: a file about the records, which holds none
};

/// What the files of a data set will hold.
struct DatasetContent {
  std::vector<WholeFile> files = {};                ///< if there are any, instead of parts
  std::array<std::string, 3> parts = {};            ///< the files, in the order of kSplitNames
  std::array<std::int64_t, 3> records = {};         ///< in each
  std::string unit = {};                            ///< what is counted
  std::string extension = ".tsv";                   ///< of the files
  std::string origin = {}, split = {}, terms = {};  ///< sentences of the README
  std::string baseline = {};   ///< what one reaches who has learnt nothing, in a sentence; empty: not known
  std::string copyright = {};  ///< a file that belongs to the data; empty: none
  std::int64_t bad_records = 0;
};

/// Synopses and descriptions of packages, and what their translators made of them.
DatasetContent translation_pairs(Apt& apt, const std::string& language, const DatasetJob& job);
/// Long description, tab, synopsis.
DatasetContent summary_pairs(Apt& apt, const DatasetJob& job);
/// Synopsis, tab, long description.
DatasetContent search_pairs(Apt& apt, const DatasetJob& job);
/// Description, tab, section, under a header; of the sections that tell what a package is about.
DatasetContent section_table(Apt& apt, const DatasetJob& job);
/// Descriptions, a paragraph a line, an empty line after each package.
DatasetContent description_text(Apt& apt, const DatasetJob& job);

/// Words that mean about the same, a line for each meaning of a word.
DatasetContent thesaurus_text(Apt& apt, const DatasetJob& job);

/// A book in a package: the first file of this name, in the order of paths.
DatasetContent book_text(Apt& apt, const std::string& package, std::string_view file);

/// Pictures of clothes with their classes, as IDX files.
DatasetContent fashion_pictures(Apt& apt, const DatasetJob& job);

/// Scenes made of those pictures, with masks and annotations in the format of COCO (task/scene_files.h).
DatasetContent fashion_scenes(Apt& apt, const DatasetJob& job);

/// Slices of a head and masks of its brain, as PNG files in images and masks of each part.
DatasetContent brain_slices(Apt& apt, const DatasetJob& job);

/// Questions about the errors that the manual pages of system calls and the C library describe. The context
/// is a page's name and codes, the question what one of them means, the answer the code; with its place.
DatasetContent manual_page_questions(Apt& apt, const DatasetJob& job);

/// Sets `terms` and `copyright` to what a package says, whose files are in a folder. A package that leaves
/// its documentation to another one is under the terms of that.
void take_terms(DatasetContent& content, Apt& apt, const std::string& package,
                const std::filesystem::path& files);

}  // namespace attend::task
