#include <fmt/format.h>

#include <limits>
#include <map>
#include <unordered_map>
#include <utility>

#include "attend/base/error.h"
#include "attend/data/detection_images.h"
#include "data/detection_builder.h"
#include "data/json_scanner.h"
#include "data/json_text.h"
#include "data/picture_files.h"
#include "io/printable.h"

namespace attend::data {
namespace {

using Json = nlohmann::json;

constexpr int kDeepest = 16;
constexpr std::size_t kLongestRecord = std::size_t{16} << 20;

std::int64_t whole_number(const Json& object, const std::string& name, const std::string& place) {
  const Json& value = member(object, name, place);
  const bool fits = value.is_number_integer() &&
                    (!value.is_number_unsigned() ||
                     value.get<std::uint64_t>() <= std::uint64_t{std::numeric_limits<std::int64_t>::max()});
  if (!fits)
    throw BadRecord(fmt::format("{}: field {} is {}; expected a whole number", place, io::printable(name),
                                value.is_number() ? value.dump() : kind_of(value)));
  return value.get<std::int64_t>();
}

double number(const Json& value, const std::string& name, const std::string& place) {
  if (!value.is_number())
    throw BadRecord(
        fmt::format("{}: field {} holds {}; expected a number", place, io::printable(name), kind_of(value)));
  return value.get<double>();
}

/// What the lists of the file say, before one is held against the other.
class CocoFile {
 public:
  explicit CocoFile(const std::filesystem::path& path) : document_(path), file_(path.string()) {
    document_.take('{');
    for (bool first = true; document_.next('}', first); first = false) {
      const std::string name = document_.name();
      const auto list = lists_.find(name);
      if (list == lists_.end()) {
        document_.value(0);
        continue;
      }
      if (std::exchange(list->second, true))
        throw Error(fmt::format("{}: a second field {}", document_.place(), io::printable(name)));
      for_each([&](const Json& record) {
        if (name == "images") return add_image(record);
        if (name == "categories") return add_category(record);
        add_annotation(record);
      });
    }
    for (const auto& [name, found] : lists_)
      if (!found)
        throw Error(
            fmt::format("{}: no field {}; expected a COCO file, with 'images', 'annotations' and "
                        "'categories'",
                        file_, io::printable(name)));
    if (document_.peek() != '\0')
      throw Error(fmt::format("{}: text after the JSON document; expected one document", document_.place()));
  }

  std::vector<std::string> class_names() const {
    std::vector<std::string> names;
    for (const auto& [id, name] : categories_) names.push_back(name);
    return names;
  }

  /// The good pictures with their objects; `bad` is told of the others.
  template <class Bad>
  std::vector<AnnotatedPicture> pictures(const Bad& bad) {
    for (const std::string& fault : faults_) bad(fault);
    for (Annotation& annotation : annotations_) {
      const std::int64_t line = annotation.object.line;
      const auto picture = places_.find(annotation.picture);
      if (picture == places_.end()) {
        bad(fmt::format("{}, line {}: an annotation of picture {}, which is not in 'images'", file_, line,
                        annotation.picture));
        continue;
      }
      const auto category = categories_.find(annotation.category);
      std::string& fault = picture_faults_[picture->second];
      if (fault.empty()) fault = annotation.fault;
      if (fault.empty() && category == categories_.end())
        fault = fmt::format("{}, line {}: an annotation of category {}, which is not in 'categories'", file_,
                            line, annotation.category);
      if (!fault.empty()) continue;
      annotation.object.class_name = category->second;
      pictures_[picture->second].objects.push_back(std::move(annotation.object));
    }
    std::vector<AnnotatedPicture> good;
    for (std::size_t i = 0; i < pictures_.size(); ++i) {
      if (picture_faults_[i].empty())
        good.push_back(std::move(pictures_[i]));
      else
        bad(picture_faults_[i]);
    }
    return good;
  }

 private:
  struct Annotation {
    std::int64_t picture = 0, category = 0;
    AnnotatedObject object = {};
    std::string fault = {};
  };

  template <class Add>
  void for_each(const Add& add) {
    document_.take('[');
    for (bool first = true; document_.next(']', first); first = false) {
      document_.peek();
      line_ = document_.line();
      const std::int64_t byte = document_.byte();
      const std::string text = document_.value(kLongestRecord);
      if (text.empty())
        throw Error(fmt::format("{}: an entry that is longer than {} bytes, the longest accepted", place(),
                                kLongestRecord));
      add(parse_json(text, file_, line_, byte, kDeepest));
    }
  }

  std::string place() const { return fmt::format("{}, line {}", file_, line_); }

  void add_image(const Json& record) {
    try {
      const std::int64_t id = whole_number(record, "id", place());
      if (!places_.emplace(id, pictures_.size()).second)
        throw BadRecord(fmt::format("{}: a second picture with the id {}", place(), id));
      pictures_.push_back({.name = {}, .file = file_, .line = line_});
      std::string& fault = picture_faults_.emplace_back();
      try {
        AnnotatedPicture& picture = pictures_.back();
        picture.name = text_of(member(record, "file_name", place()), "file_name", place());
        picture.height = whole_number(record, "height", place());
        picture.width = whole_number(record, "width", place());
      } catch (const BadRecord& error) {
        fault = error.what();
      }
    } catch (const BadRecord& error) {
      faults_.emplace_back(error.what());
    }
  }

  void add_category(const Json& record) {
    const std::int64_t id = whole_number(record, "id", place());
    const std::string name = text_of(member(record, "name", place()), "name", place());
    for (const auto& [other, known] : categories_)
      if (other == id || known == name)
        throw Error(fmt::format("{}: category {} with the id {}; there is {} with the id {}", place(),
                                io::printable(name), id, io::printable(known), other));
    categories_.emplace(id, name);
  }

  void add_annotation(const Json& record) {
    Annotation annotation;
    annotation.object.line = line_;
    try {
      annotation.picture = whole_number(record, "image_id", place());
    } catch (const BadRecord& error) {
      faults_.emplace_back(error.what());
      return;
    }
    try {
      read_object(record, annotation);
    } catch (const BadRecord& error) {
      annotation.fault = error.what();
    }
    annotations_.push_back(std::move(annotation));
  }

  void read_object(const Json& record, Annotation& annotation) const {
    annotation.category = whole_number(record, "category_id", place());
    const Json& box = member(record, "bbox", place());
    if (!box.is_array() || box.size() != 4)
      throw BadRecord(fmt::format("{}: field 'bbox' is {}; expected [x, y, width, height]", place(),
                                  box.is_array() ? fmt::format("a list of {}", box.size()) : kind_of(box)));
    const auto side = [&](std::size_t i) { return number(box[i], "bbox", place()); };
    AnnotatedObject& object = annotation.object;
    object.x0 = side(0);
    object.y0 = side(1);
    object.x1 = object.x0 + side(2);
    object.y1 = object.y0 + side(3);
    if (const auto area = record.find("area"); area != record.end())
      object.area = number(*area, "area", place());
    if (const auto crowd = record.find("iscrowd"); crowd != record.end()) {
      if (*crowd != 0 && *crowd != 1 && !crowd->is_boolean())
        throw BadRecord(fmt::format("{}: field 'iscrowd' is {}; expected 0 or 1", place(),
                                    crowd->is_number() ? crowd->dump() : kind_of(*crowd)));
      object.crowd = *crowd == 1 || *crowd == true;
    }
  }

  JsonScanner document_;
  std::string file_;
  std::int64_t line_ = 1;  // of the entry at hand
  std::map<std::string, bool> lists_ = {{"images", false}, {"annotations", false}, {"categories", false}};
  std::vector<AnnotatedPicture> pictures_ = {};
  std::vector<std::string> picture_faults_ = {};               // of each picture, empty for a good one
  std::unordered_map<std::int64_t, std::size_t> places_ = {};  // of an id in pictures_
  std::map<std::int64_t, std::string> categories_ = {};
  std::vector<Annotation> annotations_ = {};
  std::vector<std::string> faults_ = {};  // of what belongs to no picture
};

}  // namespace

DetectionImages DetectionImages::from_coco(const std::filesystem::path& annotations,
                                           const std::filesystem::path& pictures,
                                           const DetectionImagesOptions& options) {
  Builder builder(options, pictures);
  CocoFile file(annotations);
  const auto good = file.pictures([&](const std::string& message) { builder.bad(message); });
  return builder.build(good, file.class_names());
}

}  // namespace attend::data
