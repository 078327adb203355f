#include <fmt/format.h>

#include <charconv>
#include <set>

#include "attend/data/detection_images.h"
#include "attend/data/line_reader.h"
#include "attend/io/file.h"
#include "data/detection_builder.h"
#include "data/picture_files.h"
#include "data/record_messages.h"
#include "data/xml_text.h"
#include "io/printable.h"

namespace attend::data {
namespace {

namespace fs = std::filesystem;

/// The number that an element holds, and nothing else.
template <class Number>
Number number_in(const XmlElement& element, const std::string& file, std::string_view expected) {
  Number value{};
  const char* const end = element.text.data() + element.text.size();
  const auto [rest, error] = std::from_chars(element.text.data(), end, value);
  if (error != std::errc{} || rest != end)
    throw BadRecord(fmt::format("{}: {} is {}; expected {}", place_of(element, file),
                                io::printable(element.name), io::printable(element.text), expected));
  return value;
}

bool mark_in(const XmlElement& object, std::string_view name, const std::string& file) {
  const XmlElement* const mark = object.find(name);
  if (mark == nullptr || mark->text == "0") return false;
  if (mark->text == "1") return true;
  throw BadRecord(fmt::format("{}: {} is {}; expected 0 or 1", place_of(*mark, file),
                              io::printable(mark->name), io::printable(mark->text)));
}

AnnotatedObject object_of(const XmlElement& element, const std::string& file) {
  const XmlElement& box = child(element, "bndbox", file);
  const auto corner = [&](const char* name) {
    return number_in<double>(child(box, name, file), file, "a number");
  };
  AnnotatedObject object{.class_name = child(element, "name", file).text,
                         .difficult = mark_in(element, "difficult", file),
                         .truncated = mark_in(element, "truncated", file),
                         .line = element.line};
  if (object.class_name.empty())
    throw BadRecord(fmt::format("{}: the name of an object is empty; expected its class",
                                place_of(child(element, "name", file), file)));
  // The first pixel is number 1, and the last one is in the box.
  object.x0 = corner("xmin") - 1;
  object.y0 = corner("ymin") - 1;
  object.x1 = corner("xmax");
  object.y1 = corner("ymax");
  return object;
}

AnnotatedPicture read_annotation(const fs::path& path) {
  const std::string file = path.string();
  const XmlLimits limits;
  const XmlElement root = parse_xml(io::read_file(path, limits.bytes), file, limits);
  if (root.name != "annotation")
    throw BadRecord(fmt::format("{}: the root element is {}; expected 'annotation'", place_of(root, file),
                                io::printable(root.name)));
  const XmlElement& size = child(root, "size", file);
  const auto side = [&](const char* name) {
    return number_in<std::int64_t>(child(size, name, file), file, "a whole number");
  };
  AnnotatedPicture picture{.name = child(root, "filename", file).text,
                           .height = side("height"),
                           .width = side("width"),
                           .file = file,
                           .line = root.line};
  for (const XmlElement& element : root.children)
    if (element.name == "object") picture.objects.push_back(object_of(element, file));
  return picture;
}

}  // namespace

DetectionImages DetectionImages::from_voc(const fs::path& folder, const fs::path& list,
                                          const DetectionImagesOptions& options) {
  const fs::path annotations = folder / "Annotations";
  if (!is_folder(annotations))
    throw Error(fmt::format("{}: expected a folder with the subfolders 'Annotations' and 'JPEGImages'",
                            folder.string()));
  Builder builder(options, folder / "JPEGImages");
  std::vector<fs::path> files;
  if (list.empty()) {
    for (fs::path& path : entries_of(annotations)) {
      if (path.extension() == ".xml" && is_file(path))
        files.push_back(std::move(path));
      else
        builder.bad(fmt::format("{}: expected an annotation, *.xml", path.string()));
    }
  } else {
    LineReader lines(list, {.bad_records = options.bad_records});
    while (const auto line = lines.next()) {
      if (is_blank(*line)) continue;
      const std::size_t begin = line->find_first_not_of(" \t"), end = line->find_last_not_of(" \t");
      const std::string name = std::string(line->substr(begin, end - begin + 1)) + ".xml";
      fs::path path = annotations / name;
      if (is_file(path))
        files.push_back(std::move(path));
      else
        builder.bad(fmt::format("{}: there is no file {} in {}", lines.place(), io::printable(name),
                                annotations.string()));
    }
    builder.add(lines.skipped());
  }
  std::vector<AnnotatedPicture> pictures;
  std::set<std::string> names;
  for (const fs::path& path : files) {
    try {
      pictures.push_back(read_annotation(path));
    } catch (const Error& error) {
      builder.bad(error.what());
      continue;
    }
    for (const AnnotatedObject& object : pictures.back().objects) names.insert(object.class_name);
  }
  if (files.empty())
    throw Error(fmt::format("{}: no annotation; expected at least one",
                            list.empty() ? annotations.string() : list.string()));
  return builder.build(pictures, {names.begin(), names.end()});
}

}  // namespace attend::data
