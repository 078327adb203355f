#include "data/xml_text.h"

#include <expat.h>
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <new>
#include <type_traits>

#include "attend/data/records.h"
#include "data/record_messages.h"
#include "io/printable.h"

namespace attend::data {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpaces);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpaces) - begin + 1);
}

/// Builds the tree from Expat's events. Exceptions must not pass through Expat, which is C: the first is
/// kept, and ends the parse.
class TreeBuilder {
 public:
  TreeBuilder(const std::string& file, const XmlLimits& limits)
      : file_(file), limits_(limits), parser_(XML_ParserCreate(nullptr), XML_ParserFree) {
    if (!parser_) throw std::bad_alloc();
    XML_SetUserData(parser_.get(), this);
    XML_SetElementHandler(
        parser_.get(),
        [](void* self, const XML_Char* name, const XML_Char**) {
          builder(self).guarded([&](TreeBuilder& tree) { tree.open(name); });
        },
        [](void* self, const XML_Char*) { builder(self).guarded([](TreeBuilder& tree) { tree.close(); }); });
    XML_SetCharacterDataHandler(parser_.get(), [](void* self, const XML_Char* text, int length) {
      builder(self).guarded([&](TreeBuilder& tree) {
        tree.elements_.back().text.append(text, static_cast<std::size_t>(length));
      });
    });
    XML_SetStartDoctypeDeclHandler(
        parser_.get(), [](void* self, const XML_Char*, const XML_Char*, const XML_Char*, int) {
          builder(self).guarded([](TreeBuilder& tree) {
            throw tree.bad("the XML has a document type (<!DOCTYPE ...>); expected none");
          });
        });
  }

  XmlElement build(std::string_view text) {
    const XML_Status status =
        XML_Parse(parser_.get(), text.data(), static_cast<int>(text.size()), /*isFinal=*/1);
    if (failure_) std::rethrow_exception(failure_);
    if (status != XML_STATUS_OK)
      throw bad(fmt::format("invalid XML: {}", XML_ErrorString(XML_GetErrorCode(parser_.get()))));
    return std::move(root_);
  }

 private:
  static TreeBuilder& builder(void* self) { return *static_cast<TreeBuilder*>(self); }

  std::int64_t line() const { return static_cast<std::int64_t>(XML_GetCurrentLineNumber(parser_.get())); }

  BadRecord bad(const std::string& what) const {
    return BadRecord(fmt::format("{}, line {}: {}", file_, line(), what));
  }

  template <class Action>
  void guarded(const Action& action) {
    if (failure_) return;
    try {
      action(*this);
    } catch (...) {
      failure_ = std::current_exception();
      XML_StopParser(parser_.get(), XML_FALSE);
    }
  }

  void open(const char* name) {
    if (std::ssize(elements_) == limits_.depth)
      throw bad(fmt::format("the XML is nested too deeply; expected at most {} levels", limits_.depth));
    elements_.push_back({.name = name, .text = {}, .line = line()});
  }

  void close() {
    XmlElement done = std::move(elements_.back());
    elements_.pop_back();
    done.text = trimmed(done.text);
    if (elements_.empty())
      root_ = std::move(done);
    else
      elements_.back().children.push_back(std::move(done));
  }

  const std::string& file_;
  const XmlLimits& limits_;
  std::unique_ptr<std::remove_pointer_t<XML_Parser>, void (*)(XML_Parser)> parser_;
  std::vector<XmlElement> elements_ = {};  // those that are open, the root first
  XmlElement root_ = {};
  std::exception_ptr failure_ = nullptr;
};

}  // namespace

const XmlElement* XmlElement::find(std::string_view child) const {
  const auto found =
      std::find_if(children.begin(), children.end(), [&](const XmlElement& e) { return e.name == child; });
  return found == children.end() ? nullptr : &*found;
}

XmlElement parse_xml(std::string_view text, const std::string& file, const XmlLimits& limits) {
  if (text.size() > limits.bytes)
    throw BadRecord(
        fmt::format("{}: an XML document of {} bytes; expected at most {}", file, text.size(), limits.bytes));
  return TreeBuilder(file, limits).build(text);
}

std::string place_of(const XmlElement& element, const std::string& file) {
  return fmt::format("{}, line {}", file, element.line);
}

const XmlElement& child(const XmlElement& element, const std::string& name, const std::string& file) {
  if (const XmlElement* found = element.find(name)) return *found;
  std::vector<std::string> known;
  for (const XmlElement& other : element.children)
    if (std::find(known.begin(), known.end(), other.name) == known.end()) known.push_back(other.name);
  throw BadRecord(fmt::format("{}: in {}: {}", place_of(element, file), io::printable(element.name),
                              missing_name("element", name, known)));
}

}  // namespace attend::data
