#include "attend/data/detection_images.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "support/expect_error.h"
#include "support/files.h"
#include "support/temporary_folder.h"
#include "support/tiny_pictures.h"

namespace attend::data {
namespace {

using Json = nlohmann::json;
using Strings = std::vector<std::string>;

/// An object of Pascal VOC; `more` stands before its box.
std::string voc_object(const std::string& name, const std::string& corners, const std::string& more = "") {
  const Json box = Json::parse(corners);
  std::string text = "  <object>\n    <name>" + name + "</name>" + more + "\n    <bndbox>";
  const char* const names[] = {"xmin", "ymin", "xmax", "ymax"};
  for (std::size_t i = 0; i < box.size(); ++i)
    text += std::string("<") + names[i] + ">" +
            (box[i].is_string() ? box[i].get<std::string>() : box[i].dump()) + "</" + names[i] + ">";
  return text + "</bndbox>\n  </object>\n";
}

std::string voc(const std::string& filename, const std::string& objects,
                const std::string& size = "<width>8</width><height>6</height><depth>3</depth>") {
  return "<annotation>\n  <folder>x</folder>\n  <filename>" + filename + "</filename>\n  <size>" + size +
         "</size>\n" + objects + "</annotation>\n";
}

class DetectionImagesTest : public testing::Test {
 protected:
  DetectionImagesTest() {
    for (const char* folder : {"Annotations", "JPEGImages"})
      std::filesystem::create_directories(folder_ / folder);
  }

  /// A grey picture of 8 x 6 pixels.
  void write_picture(const std::string& name, std::uint8_t value = 7) const {
    io::Image image{.height = 6, .width = 8, .channels = 1};
    image.pixels.assign(48, value);
    test::write_png(folder_ / ("JPEGImages/" + name), image);
  }

  void write(const std::string& name, const std::string& content) const {
    test::write_all(folder_ / name, content);
  }

  DetectionImages voc_set(const DetectionImagesOptions& options = {}) const {
    return DetectionImages::from_voc(folder_.path(), {}, options);
  }

  /// The set of one annotation "a.xml" and picture "a.png".
  DetectionImages one(const std::string& annotation, const DetectionImagesOptions& options = {}) const {
    write_picture("a.png");
    write("Annotations/a.xml", annotation);
    return voc_set(options);
  }

  DetectionImages coco_set(const Json& content, const DetectionImagesOptions& options = {}) const {
    return coco_text(content.dump(1), options);
  }
  DetectionImages coco_text(const std::string& content, const DetectionImagesOptions& options = {}) const {
    write("coco.json", content);
    return DetectionImages::from_coco(folder_ / "coco.json", folder_ / "JPEGImages", options);
  }

  /// Two pictures, two categories and three annotations.
  Json coco() const {
    write_picture("a.png", 1);
    write_picture("b.png", 2);
    const auto image = [](int id, const char* name) {
      return Json{{"id", id}, {"file_name", name}, {"height", 6}, {"width", 8}};
    };
    return {
        {"info", {{"year", 2020}}},
        {"annotations",
         {{{"image_id", 9}, {"category_id", 7}, {"bbox", {1, 2, 3.5, 2.5}}, {"area", 4.5}, {"iscrowd", 1}},
          {{"image_id", 4}, {"category_id", 3}, {"bbox", {0, 0, 8, 6}}, {"segmentation", {{1, 2, 3}}}},
          {{"image_id", 9}, {"category_id", 3}, {"bbox", {0.5, 0, 8, 6}}}}},
        {"images", {image(9, "b.png"), image(4, "a.png")}},
        {"categories", {{{"id", 7}, {"name", "cat"}}, {{"id", 3}, {"name", "dog"}}}}};
  }

  test::TemporaryFolder folder_;
};

TEST_F(DetectionImagesTest, ReadsPascalVoc) {
  write_picture("one.png", 10);
  write_picture("two.png", 20);
  write("Annotations/2.xml", voc("two.png", ""));
  write("Annotations/1.xml",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- a note -->\n" +
            voc(" one.png ", voc_object("dog", "[1, 1, 8, 6]", "<difficult>1</difficult>") +
                                 voc_object("cat &amp; co", "[3, 2, 3, 2]", "<truncated> 1\n</truncated>") +
                                 voc_object("dog", "[2.5, 2, 4.25, 5]",
                                            "<part><name>head</name><bndbox>junk</bndbox></part>")));
  const DetectionImages set = voc_set();
  ASSERT_EQ(set.size(), 2);
  EXPECT_EQ(set.class_names(), (Strings{"cat & co", "dog"}));
  EXPECT_EQ(set.name(0), "one.png");
  EXPECT_EQ(set.entry(0).height, 6);
  EXPECT_EQ(set.entry(0).width, 8);
  // The last pixel belongs to the box, and the first is number 1.
  EXPECT_EQ(set.boxes(0), (std::vector<AnnotatedBox>{{.box = {0, 0, 8, 6, 1}, .difficult = true},
                                                     {.box = {2, 1, 3, 2, 0}, .truncated = true},
                                                     {.box = {1.5, 1, 4.25, 5, 1}}}));
  EXPECT_EQ(set.scene(0).boxes, (std::vector<Box>{{2, 1, 3, 2, 0}, {1.5, 1, 4.25, 5, 1}}));
  EXPECT_EQ(set.image(1).pixels[0], 20);
  EXPECT_TRUE(set.boxes(1).empty());

  const DetectionImages other = voc_set({.classes = {"dog", "x", "cat & co"}, .image = {.channels = 3}});
  EXPECT_EQ(other.boxes(0)[1].box.label, 2);
  EXPECT_EQ(other.image(0).channels, 3);
  EXPECT_EQ(other.subset({1, 0, 1}).name(2), "two.png");
  EXPECT_EQ(other.subset({1}).class_names(), other.class_names());
  EXPECT_EQ(set.part(Split::train, {.valid = 0, .test = 0}).size(), 2);
  EXPECT_ERROR(set.image(2), "picture 2 of a set of 2; expected a number from 0 to 1");
  EXPECT_ERROR(set.boxes(-1), "picture -1 of a set of 2");
  EXPECT_ERROR(set.subset({3}), "picture 3 of a set of 2");
}

TEST_F(DetectionImagesTest, VocTakesAListOfPictures) {
  for (const char* name : {"a", "b", "c"}) {
    write_picture(std::string(name) + ".png");
    write(std::string("Annotations/") + name + ".xml", voc(std::string(name) + ".png", ""));
  }
  write("train.txt", "c\r\n\n a \n");
  const DetectionImages set = DetectionImages::from_voc(folder_.path(), folder_ / "train.txt");
  ASSERT_EQ(set.size(), 2);
  EXPECT_EQ(set.name(0), "c.png");
  EXPECT_EQ(set.name(1), "a.png");
  write("bad.txt", "a\nd 1\nb\n");
  EXPECT_ERROR(DetectionImages::from_voc(folder_.path(), folder_ / "bad.txt"),
               "bad.txt, line 2: there is no file 'd 1.xml' in ");
  const DetectionImages rest =
      DetectionImages::from_voc(folder_.path(), folder_ / "bad.txt", {.bad_records = BadRecords::kSkip});
  EXPECT_EQ(rest.size(), 2);
  EXPECT_EQ(rest.skipped().count, 1);
  write("empty.txt", "\n");
  EXPECT_ERROR(DetectionImages::from_voc(folder_.path(), folder_ / "empty.txt"), "empty.txt: no annotation");
  EXPECT_ERROR(DetectionImages::from_voc(folder_.path(), folder_ / "none.txt"), "none.txt: No such file");
}

TEST_F(DetectionImagesTest, BadVocNamesTheFileAndTheLine) {
  EXPECT_ERROR(DetectionImages::from_voc(folder_ / "none"),
               "expected a folder with the subfolders 'Annotations'");
  EXPECT_ERROR(voc_set(), "Annotations: no annotation; expected at least one");
  const auto expect = [&](const std::string& annotation, const std::string& part) {
    EXPECT_ERROR(one(annotation), part);
  };
  expect("", "a.xml, line 1: invalid XML: ");
  expect("<annotation>\n<a>\n</annotation>", "a.xml, line 3: invalid XML: ");
  expect("<a/>", "a.xml, line 1: the root element is 'a'; expected 'annotation'");
  expect("<annotation>&x;</annotation>", "a.xml, line 1: invalid XML: ");
  expect("<annotation><filename>a.png</filename>\n</annotation>",
         "a.xml, line 1: in 'annotation': no element 'size'");
  expect("<annotation><filename>a.png</filename><size/></annotation>",
         "in 'size': no element 'height'; there is none");
  expect(voc("a.png", "", "<width>8</width><height>6.0</height>"),
         "a.xml, line 4: 'height' is '6.0'; expected a whole number");
  expect(voc("a.png", "", "<width>0</width><height>6</height>"),
         "a picture of height 6 and width 0; sides from 1");
  expect(voc("b.png", ""), "a.xml, line 1: there is no file 'b.png' in ");
  expect(voc("", ""), "a.xml, line 1: there is no file '' in ");
  expect(voc("a.png", "<object><name>x</name></object>"), "a.xml, line 5: in 'object': no element 'bndbox'");
  expect(voc("a.png", "<object><bndbox/></object>"), "in 'object': no element 'name'; there are: 'bndbox'");
  expect(voc("a.png", voc_object("", "[1, 1, 2, 2]")), "a.xml, line 6: the name of an object is empty");
  expect(voc("a.png", voc_object("x", "[1, 1, 2]")),
         "a.xml, line 7: in 'bndbox': no element 'ymax'; did you mean 'xmax'?");
  expect(voc("a.png", voc_object("x", "[1, 1, 2, \"two\"]")),
         "a.xml, line 7: 'ymax' is 'two'; expected a number");
  expect(voc("a.png", voc_object("x", "[1, 1, 2, \"2 3\"]")), "'ymax' is '2 3'");
  expect(voc("a.png", voc_object("x", "[1, 1, 2, 2]", "<difficult>yes</difficult>")),
         "a.xml, line 6: 'difficult' is 'yes'; expected 0 or 1");
  const std::string outside =
      "expected x0 < x1 and y0 < y1 within the picture, which goes from (0, 0) to (8, 6)";
  for (const char* corners : {"[-1, 1, 2, 2]", "[1, -1, 2, 2]", "[1, 1, 10, 2]", "[1, 1, 2, 8]",
                              "[3, 1, 2, 2]", "[1, 3, 2, 2]", "[\"nan\", 1, 2, 2]", "[1, 1, \"inf\", 2]",
                              "[1, \"nan\", 2, 2]", "[1, 1, 2, \"nan\"]", "[9, 1, 9, 2]"})
    expect(voc("a.png", voc_object("x", "[1, 1, 2, 2]") + voc_object("dog", corners)), outside);
  expect(voc("a.png", voc_object("dog", "[3, 1, 2, 2]")),
         "a.xml, line 5: the box of 'dog' goes from (2, 0) to (2, 2)");
  EXPECT_ERROR(one(voc("a.png", voc_object("dog", "[1, 1, 2, 2]")), {.classes = {"dig", "cat"}}),
               "a.xml, line 5: no class 'dog'; did you mean 'dig'?");
  EXPECT_ERROR(one(voc("a.png", ""), {.classes = {"a", "a"}}), "not all different");
  write("Annotations/notes", "");
  EXPECT_ERROR(voc_set(), "notes: expected an annotation, *.xml");
}

TEST_F(DetectionImagesTest, XmlCannotNameFilesOrGrow) {
  EXPECT_ERROR(one("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>\n<annotation>&x;</annotation>"),
               "a.xml, line 1: the XML has a document type (<!DOCTYPE ...>); expected none");
  std::string deep;
  for (int i = 0; i < 17; ++i) deep += "<a>\n";
  EXPECT_ERROR(one(deep), "a.xml, line 17: the XML is nested too deeply; expected at most 16 levels");
  EXPECT_ERROR(one("<annotation>" + std::string((std::size_t{4} << 20), ' ') + "</annotation>"), "a.xml");
}

TEST_F(DetectionImagesTest, ABoxMayReachOutByOnePixel) {
  const DetectionImages set = one(voc("a.png", voc_object("x", "[0, 0, 9, 7]")));
  EXPECT_EQ(set.boxes(0)[0].box, (Box{0, 0, 8, 6, 0}));
}

TEST_F(DetectionImagesTest, BadPicturesAreSkippedWithAllTheirBoxes) {
  const DetectionImagesOptions skip = {.bad_records = BadRecords::kSkip};
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    write_picture(std::string(name) + ".png");
    write(std::string("Annotations/") + name + ".xml",
          voc(std::string(name) + ".png", voc_object("x", "[1, 1, 2, 2]")));
  }
  write("Annotations/a.xml", "<annotation>");
  write("Annotations/b.xml",
        voc("b.png", voc_object("x", "[1, 1, 2, 2]") + voc_object("x", "[5, 5, 20, 20]")));
  write("JPEGImages/c.png", "hello");
  write("Annotations/d.xml", voc("d.png", "", "<width>6</width><height>8</height>"));
  const DetectionImages set = voc_set(skip);
  ASSERT_EQ(set.size(), 1);
  EXPECT_EQ(set.name(0), "e.png");
  EXPECT_EQ(set.class_names(), (Strings{"x"}));
  EXPECT_EQ(set.skipped().count, 4);
  EXPECT_NE(set.skipped().first.find("a.xml, line 1: invalid XML"), std::string::npos) << set.skipped().first;
  // Without decoding, the last two are found when they are asked for.
  std::filesystem::remove(folder_ / "Annotations/a.xml");
  std::filesystem::remove(folder_ / "Annotations/b.xml");
  const DetectionImages lazy = voc_set();
  EXPECT_ERROR(lazy.image(0), "c.png: it is no PNG or JPEG picture");
  EXPECT_ERROR(lazy.scene(1), "d.png: the picture is 8 x 6 pixels (width x height); ");
  EXPECT_ERROR(lazy.image(1), "d.xml, line 1 says 6 x 8");
}

TEST_F(DetectionImagesTest, ReadsCoco) {
  const DetectionImages set = coco_set(coco());
  ASSERT_EQ(set.size(), 2);
  EXPECT_EQ(set.class_names(), (Strings{"dog", "cat"}));
  EXPECT_EQ(set.name(0), "b.png");
  EXPECT_EQ(set.image(0).pixels[0], 2);
  EXPECT_EQ(set.boxes(0), (std::vector<AnnotatedBox>{{.box = {1, 2, 4.5, 4.5, 1}, .crowd = true, .area = 4.5},
                                                     {.box = {0.5, 0, 8, 6, 0}}}));
  EXPECT_EQ(set.boxes(1), (std::vector<AnnotatedBox>{{.box = {0, 0, 8, 6, 0}}}));
  EXPECT_EQ(set.scene(0).boxes, (std::vector<Box>{{0.5, 0, 8, 6, 0}}));
  EXPECT_EQ(coco_set(coco(), {.classes = {"cat", "dog"}}).boxes(1)[0].box.label, 1);
}

TEST_F(DetectionImagesTest, BadCocoNamesTheLine) {
  // Each change makes the file bad in one way.
  const auto expect = [&](const std::string& part, const auto& change,
                          const DetectionImagesOptions& options = {}) {
    Json json = coco();
    change(json);
    EXPECT_ERROR(coco_set(json, options), part);
  };
  const auto annotation = [&](const std::string& part, const char* field, const Json& value) {
    expect(part, [&](Json& json) { json["annotations"][1][field] = value; });
  };
  EXPECT_ERROR(coco_text(""), "coco.json, line 1, byte 1: found the end of the file");
  EXPECT_ERROR(coco_text("{\"images\": [\n{]"), "coco.json, line 2");
  EXPECT_ERROR(coco_text("{\"images\": [\n{\"id\": }]}"), "coco.json, line 2, byte 8: invalid JSON");
  EXPECT_ERROR(coco_text(coco().dump() + "x"), "text after the JSON document");
  expect("no field 'categories'; expected a COCO file", [](Json& json) { json.erase("categories"); });
  expect("expected '['", [](Json& json) { json["images"] = 1; });
  EXPECT_ERROR(coco_text("{\"images\": [], \"images\": []}"), "a second field 'images'");
  annotation("field 'bbox' is a list of 3; expected [x, y, width, height]", "bbox", {1, 2, 3});
  annotation("field 'bbox' is a string", "bbox", "1 2 3 4");
  annotation("field 'bbox' holds null; expected a number", "bbox", {1, 2, 3, nullptr});
  annotation("expected x0 < x1 and y0 < y1 within the picture", "bbox", {0, 0, 0, 6});
  annotation("expected x0 < x1 and y0 < y1 within the picture", "bbox", {0, 0, 8, -1});
  annotation("the box of 'dog' goes from (4, 0) to (9.5, 6); expected x0 < x1", "bbox", {4, 0, 5.5, 6});
  annotation("field 'iscrowd' is 2; expected 0 or 1", "iscrowd", 2);
  annotation("the area of 'dog' is -1; 0 or more is accepted", "area", -1);
  annotation("an annotation of category 5, which is not in 'categories'", "category_id", 5);
  annotation("an annotation of picture 5, which is not in 'images'", "image_id", 5);
  annotation("field 'image_id' is 4.5; expected a whole number", "image_id", 4.5);
  annotation("field 'category_id' is 18446744073709551615; expected a whole number", "category_id",
             std::uint64_t{18446744073709551615U});
  expect("no field 'bbox'", [](Json& json) { json["annotations"][1].erase("bbox"); });
  expect("found a number; expected a JSON object with 'image_id'",
         [](Json& json) { json["annotations"][1] = 3; });
  expect("there is no file 'c.png' in ", [](Json& json) { json["images"][0]["file_name"] = "c.png"; });
  expect("no field 'width'", [](Json& json) { json["images"][0].erase("width"); });
  expect("a second picture with the id 9", [](Json& json) { json["images"][1]["id"] = 9; });
  expect("a picture of height 0 and width 8", [](Json& json) { json["images"][1]["height"] = 0; });
  expect("category 'cat' with the id 8; there is 'cat' with the id 7", [](Json& json) {
    json["categories"][1] = {{"id", 8}, {"name", "cat"}};
  });
  expect("no class 'cat'", [](Json&) {}, {.classes = {"dog"}});
  // The line is that of the entry.
  EXPECT_ERROR(coco_text("{\"categories\": [], \"images\": [],\n\n\"annotations\": [\n{\"image_id\": 1}]}"),
               "coco.json, line 4: an annotation of picture 1");
}

TEST_F(DetectionImagesTest, BadCocoIsSkipped) {
  Json json = coco();
  json["annotations"][1].erase("bbox");                                // and with it picture 4
  json["annotations"].push_back({{"image_id", 4}, {"bbox", {0, 0}}});  // the same picture
  json["annotations"].push_back({{"image_id", 5}, {"category_id", 3}, {"bbox", {0, 0, 1, 1}}});
  json["annotations"].push_back({{"category_id", 3}});
  const DetectionImages set = coco_set(json, {.bad_records = BadRecords::kSkip});
  ASSERT_EQ(set.size(), 1);
  EXPECT_EQ(set.name(0), "b.png");
  EXPECT_EQ(set.boxes(0).size(), 2u);
  EXPECT_EQ(set.skipped().count, 3);
}

TEST_F(DetectionImagesTest, WhatIsWrittenIsReadAgain) {
  const DetectionImages set = coco_set(coco());
  std::vector<ImageEntry> entries;
  std::vector<std::vector<AnnotatedBox>> boxes;
  for (std::int64_t i = 0; i < set.size(); ++i) {
    entries.push_back(set.entry(i));
    boxes.push_back(set.boxes(i));
  }
  const DetectionImages again = coco_text(to_coco_annotations(entries, boxes, set.class_names()));
  EXPECT_EQ(again.class_names(), set.class_names());
  ASSERT_EQ(again.size(), 2);
  for (std::int64_t i = 0; i < 2; ++i) {
    EXPECT_EQ(again.name(i), set.name(i));
    ASSERT_EQ(again.boxes(i).size(), set.boxes(i).size());
    for (std::size_t j = 0; j < set.boxes(i).size(); ++j) {
      AnnotatedBox expected = set.boxes(i)[j];
      expected.area = expected.area.value_or(area_of(expected.box));
      EXPECT_EQ(again.boxes(i)[j], expected);
    }
  }
  boxes[0][0].box.label = 2;
  EXPECT_ERROR(to_coco_annotations(entries, boxes, set.class_names()),
               "picture 0 has label 2; expected one of");
  boxes.pop_back();
  EXPECT_ERROR(to_coco_annotations(entries, boxes, set.class_names()), "2 pictures with boxes for 1");

  const Json results = Json::parse(to_coco_results(std::vector<std::vector<DetectedBox>>{
      {}, {{{0.25, 1, 2.125, 3, 4}, 0.1}, {{0, 0, 1.0f / 3, 1, 0}, 1}}}));
  EXPECT_EQ(results,
            (Json{{{"image_id", 2}, {"category_id", 5}, {"bbox", {0.25, 1.0, 1.875, 2.0}}, {"score", 0.1}},
                  {{"image_id", 2}, {"category_id", 1}, {"bbox", {0.0, 0.0, 0.333, 1.0}}, {"score", 1.0}}}));
  EXPECT_EQ(to_coco_results({}), "[]\n");
  EXPECT_ERROR(to_coco_results(std::vector<std::vector<DetectedBox>>{{{{0, 0, 0, 1, 0}, 1}}}),
               "picture 0 has a box");
  EXPECT_ERROR(to_coco_results(std::vector<std::vector<DetectedBox>>{{{{0, 0, 1, 1, -1}, 1}}}), "label -1");
  EXPECT_ERROR(to_coco_results(std::vector<std::vector<DetectedBox>>{{{{0, 0, 1, 1, 0}, std::nan("")}}}),
               "a score of nan");
}

}  // namespace
}  // namespace attend::data
