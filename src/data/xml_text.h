#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace attend::data {

/// An element of an XML document. Attributes, comments and processing instructions are not kept.
struct XmlElement {
  std::string name;
  /// The characters directly in it, without white space at their ends.
  std::string text;
  /// Where its start tag is, from 1.
  std::int64_t line = 1;
  std::vector<XmlElement> children = {};

  /// The first child of this name; null when there is none.
  const XmlElement* find(std::string_view child) const;
};

struct XmlLimits {
  std::size_t bytes = std::size_t{4} << 20;
  int depth = 16;
};

/// The root of an XML document, which may be hostile. Throws BadRecord "FILE, line N: ..." when it is not
/// well formed, is longer or nested more deeply than the limits, or has a document type, whose entities could
/// name files and grow without bounds.
XmlElement parse_xml(std::string_view text, const std::string& file, const XmlLimits& limits = {});

/// The child `name`. Throws BadRecord, naming the children there are, when it is missing.
const XmlElement& child(const XmlElement& element, const std::string& name, const std::string& file);

/// "FILE, line N".
std::string place_of(const XmlElement& element, const std::string& file);

}  // namespace attend::data
