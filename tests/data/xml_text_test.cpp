#include "data/xml_text.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace attend::data {
namespace {

TEST(XmlText, ATreeOfElementsWithTheirTextAndLines) {
  const XmlElement root =
      parse_xml("\n<a x='1'> one <b/>\n<c>2 &lt; 3 <!-- 4 --> &#233;\n</c><b>last</b> two\t</a>\n", "f");
  EXPECT_EQ(root.name, "a");
  EXPECT_EQ(root.text, "one \n two");
  EXPECT_EQ(root.line, 2);
  ASSERT_EQ(root.children.size(), 3u);
  EXPECT_EQ(root.children[1].text, "2 < 3  \xc3\xa9");
  EXPECT_EQ(root.children[1].line, 3);
  EXPECT_EQ(root.children[2].line, 4);
  EXPECT_EQ(root.find("b"), root.children.data());
  EXPECT_EQ(root.find("d"), nullptr);
  EXPECT_EQ(&child(root, "c", "f"), &root.children[1]);
  EXPECT_ERROR(child(root, "bb", "f"),
               "f, line 2: in 'a': no element 'bb'; did you mean 'b'? There are: 'b', 'c'");
  // In another encoding, as its declaration says.
  EXPECT_EQ(parse_xml("<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>", "f").text, "\xc3\xa9");
}

TEST(XmlText, LimitsAndFaultsAreNamed) {
  EXPECT_ERROR(parse_xml("<a>12345</a>", "f", {.bytes = 11}),
               "f: an XML document of 12 bytes; expected at most 11");
  EXPECT_EQ(parse_xml("<a>12345</a>", "f", {.bytes = 12}).text, "12345");
  EXPECT_EQ(parse_xml("<a><b/></a>", "f", {.depth = 2}).children.size(), 1u);
  EXPECT_ERROR(parse_xml("<a>\n<b/></a>", "f", {.depth = 1}),
               "f, line 2: the XML is nested too deeply; expected at most 1 levels");
  EXPECT_ERROR(parse_xml("<a>\n<b>\n</a>", "f"), "f, line 3: invalid XML: ");
  EXPECT_ERROR(parse_xml("<a/>\n<b/>", "f"), "f, line 2: invalid XML: ");
  EXPECT_ERROR(parse_xml("<a>\xff</a>", "f"), "f, line 1: invalid XML: ");
  EXPECT_ERROR(parse_xml({"<a>\0</a>", 8}, "f"), "f, line 1: invalid XML: ");
  EXPECT_ERROR(parse_xml("<!DOCTYPE a><a/>", "f"), "f, line 1: the XML has a document type");
}

}  // namespace
}  // namespace attend::data
