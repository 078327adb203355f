#include "data/manual_page.h"

#include <gtest/gtest.h>

namespace attend::data {
namespace {

/// "CODE: description" of every error.
std::vector<std::string> errors_of(const std::string& text) {
  const auto page = read_manual_page(text);
  if (!page) return {"no page"};
  std::vector<std::string> result;
  for (const PageError& error : page->errors) result.push_back(error.code + ": " + error.description);
  return result;
}

/// A page with this section.
std::string page(const std::string& errors) {
  return ".\\\" Anybody may read it.\n.TH open 2 2023-04-30 Linux\n.SH NAME\nopen\n.TP\n.B ENONE\nNot here.\n"
         ".SH ERRORS\n" +
         errors + ".SH NOTES\n.TP\n.B ENONE\nNot here either.\n";
}

using Lines = std::vector<std::string>;

TEST(ManualPage, TellsItsErrors) {
  EXPECT_EQ(errors_of(page(".BR open ()\ncan fail:\n.TP\n.B EACCES\nThe requested access\nis not allowed.\n"
                           ".TP\n.B EACCES\nThe\n.I path\nis too.\n.TP\n.BR EAGAIN \" or \" EWOULDBLOCK\n"
                           "It would block.\n")),
            (Lines{"EACCES: The requested access is not allowed.", "EACCES: The path is too.",
                   "EAGAIN: It would block."}));
  EXPECT_EQ(errors_of(page("")), Lines{});
  EXPECT_EQ(errors_of(".TH a 2\n.SH \"ERRORS\"\n.TP 5\n\\fBEIO\\fP\nlast"), Lines{"EIO: last"});
  EXPECT_EQ(errors_of(".TH a 2\n.SH ERRORS AND MORE\n.TP\n.B EIO\nlast\n"), Lines{});
  EXPECT_EQ(errors_of(".TH a 2\r\n.SH ERRORS\r\n.TP\r\n.B EIO\r\nlast\r\n"), Lines{"EIO: last"});
}

TEST(ManualPage, KnowsWhereAnErrorEnds) {
  const std::string begin = ".TP\n.B EIO\nOne";
  EXPECT_EQ(errors_of(page(begin + "\n.PP\nmore\n")), Lines{"EIO: One"});
  EXPECT_EQ(errors_of(page(begin + "\n.SS Others\nmore\n")), Lines{"EIO: One"});
  EXPECT_EQ(errors_of(page(begin + "\n.TP\n.B Note\nmore\n")), Lines{"EIO: One"});
  EXPECT_EQ(errors_of(page(begin + "\n.RS\n.IP \\[bu] 3\nmore\n.RE\n")), Lines{"EIO: One more"});
  EXPECT_EQ(errors_of(page(begin + "\n.EX\nint x;\n.EE\nmore\n")), Lines{"EIO: One more"});
  // What is not closed ends with the entry.
  EXPECT_EQ(errors_of(page(begin + "\n.nf\nint x;\n.TP\n.B EPERM\nTwo\n")),
            (Lines{"EIO: One", "EPERM: Two"}));
}

TEST(ManualPage, KnowsWhatACodeIs) {
  const auto code = [](const std::string& tag) { return errors_of(page(".TP\n" + tag + "\nx\n")); };
  EXPECT_EQ(code(".B E2BIG"), Lines{"E2BIG: x"});
  EXPECT_EQ(code(".BR EINVAL ,"), Lines{"EINVAL: x"});
  EXPECT_EQ(code(".B EAI_AGAIN"), Lines{});
  EXPECT_EQ(code(".B Error"), Lines{});
  EXPECT_EQ(code(".B EX"), Lines{});
  EXPECT_EQ(code(".B 0"), Lines{});
  EXPECT_EQ(code(".\\\" why\n.\n.B EIO"), Lines{"EIO: x"});
  EXPECT_EQ(code("\\\" why\n.B EIO"), Lines{"EIO: x"});
  EXPECT_EQ(code(".B EIO\n.TQ\n.B EPERM"), Lines{"EIO: x"});
}

TEST(ManualPage, ReadsFontsWithTheirSpaces) {
  const auto text = [](const std::string& line) {
    return errors_of(page(".TP\n.B EIO\n" + line + "\n"))[0].substr(5);
  };
  EXPECT_EQ(text(".BR open (2)"), "open(2)");
  EXPECT_EQ(text(".BR O_CREAT \" and \" O_EXCL"), "O_CREAT and O_EXCL");
  EXPECT_EQ(text(".RB ( openat ())\n.I path"), "(openat()) path");
  EXPECT_EQ(text(".B one two"), "one two");
  EXPECT_EQ(text(".I \"one \"\"two\"\"\"  three"), "one \"two\" three");
  EXPECT_EQ(text(".IR a\\ b c"), "a bc");
  EXPECT_EQ(text(".B one \\\" two"), "one");
  EXPECT_EQ(text(".BR \"not closed"), "not closed");
  EXPECT_EQ(text("'B one"), "one");
  EXPECT_EQ(text(".  B one"), "one");
  EXPECT_EQ(text(".B"), "");
  EXPECT_EQ(text(".unknown words\nrest"), "rest");
}

TEST(ManualPage, TextLosesItsEscapes) {
  EXPECT_EQ(plain_text("\\fIx\\fP is \\f(BIy\\f[R], \\fBz\\fR"), "x is y, z");
  EXPECT_EQ(plain_text("\\-1 a\\ b\\~c\\&d\\,e\\/ \\e0\\c"), "-1 a b cde \\0");
  EXPECT_EQ(plain_text("\\(lqa\\(rq \\[aq]b\\[aq] c\\[em]d\\(bu \\*(lqe\\*(rq"), "\"a\" 'b' c—d \"e\"");
  EXPECT_EQ(plain_text("\\s-1A\\s0 \\s+2B\\s10C \\s[5]D\\s'9'E"), "A BC DE");
  EXPECT_EQ(plain_text("a\\h'2m'b\\v'-1'c\\n(xxd\\m[red]e"), "abcde");
  EXPECT_EQ(plain_text("  a\t b \x01 c  \\\" comment \\fI"), "a b c");
  EXPECT_EQ(plain_text("zero\" is"), "zero\" is");
  // Cut short anywhere.
  const std::string all = "\\fI\\f(BI\\f[R]\\(em\\[em]\\s-1\\s[5]\\s'9'\\h'2m'\\n(xx\\*(lq\\\"";
  for (std::size_t size = 0; size <= all.size(); ++size) EXPECT_NO_THROW(plain_text(all.substr(0, size)));
}

TEST(ManualPage, TakesWhatIsNotUtf8ForLatin1) {
  EXPECT_EQ(errors_of(page(".TP\n.B EIO\nna\xc3\xafve\n")), Lines{"EIO: naïve"});
  EXPECT_EQ(errors_of(page(".TP\n.B EIO\nna\xefve\n")), Lines{"EIO: naïve"});
}

TEST(ManualPage, IsToldFromOtherText) {
  EXPECT_EQ(errors_of(""), Lines{"no page"});
  EXPECT_EQ(errors_of("Just text.\n.SH ERRORS\n.TP\n.B EIO\nx\n"), Lines{"no page"});
  EXPECT_EQ(errors_of(std::string("\x1f\x8b\0\0\xff.TH", 8)), Lines{"no page"});
  EXPECT_EQ(errors_of(".so man2/open.2\n"), Lines{});
  EXPECT_EQ(errors_of(".Dd today\n.Dt OPEN 2\n.Sh ERRORS\n.It Bq Er EIO\nx\n"), Lines{});
}

}  // namespace
}  // namespace attend::data
