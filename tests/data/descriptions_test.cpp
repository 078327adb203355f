#include "data/descriptions.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/records.h"

namespace attend::data {
namespace {

using test::all_records;
using test::kSkipBad;
using test::TemporaryText;
using Lines = std::vector<std::string>;

TEST(Descriptions, AreRead) {
  const TemporaryText file(
      "Package: 0ad\nDescription-md5: d943033bedada21853d2ae54a2578a7b\nDescription-fr: jeu  de stratégie\n"
      " Un  jeu\n  libre.\n .\n Avec :\n  * des armées ;\n  * des\n    villes.\n\n"
      "Package: short\nDescription-md5: 1\nDescription-fr: court\n");
  DescriptionReader reader(file, "fr");
  const Description first = *reader.next(), second = *reader.next();
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(first.package, "0ad");
  EXPECT_EQ(first.english_md5, "d943033bedada21853d2ae54a2578a7b");
  EXPECT_EQ(first.synopsis, "jeu de stratégie");
  EXPECT_EQ(first.paragraphs, (Lines{"Un jeu libre.", "Avec :", "* des armées ;", "* des villes."}));
  EXPECT_EQ(second.synopsis, "court");
  EXPECT_EQ(second.paragraphs, Lines{});
}

TEST(Descriptions, WithoutAFieldAreBad) {
  const std::string good = "Package: a\nDescription-md5: 1\nDescription-en: a thing\n\n";
  const auto refuses = [&](const std::string& paragraph, const std::string& message) {
    const TemporaryText file(good + paragraph + "\n" + good);
    EXPECT_ERROR(all_records(DescriptionReader(file, "en")), "data, line 5: the " + message);
    DescriptionReader reader(file, "en", kSkipBad);
    EXPECT_EQ(all_records(reader).size(), 2u);
    EXPECT_EQ(reader.skipped().count, 1);
  };
  refuses("Package: b\nDescription-md5: 1\nDescription-fr: chose\n", "paragraph has no field Description-en");
  refuses("Package: b\nDescription-en: thing\n", "paragraph has no field Description-md5");
  refuses("Package:\nDescription-md5: 1\nDescription-en: thing\n", "paragraph has no field Package");
  refuses("Package: b\nDescription-md5: 1\nDescription-en:\n more\n",
          "first line of Description-en is empty");
}

TEST(Descriptions, OfPackagesSayWhereTheyComeFrom) {
  const TemporaryText file(
      "Package: a\nSection: games\n\nPackage: a-data\nSource: a (1:2-3)\nSection: contrib/games\n\n"
      "Package: b\n\nPackage: c\nSource: d\nSection: web\n");
  PackageReader reader(file, kSkipBad);
  Lines origins;
  for (const PackageOrigin& origin : all_records(reader))
    origins.push_back(origin.package + " " + origin.source + " " + origin.section);
  EXPECT_EQ(origins, (Lines{"a a games", "a-data a contrib/games", "c d web"}));
  EXPECT_NE(reader.skipped().first.find("line 8: the paragraph has no field Section"), std::string::npos);
}

TEST(Descriptions, AreCutIntoSentences) {
  EXPECT_EQ(
      sentences(
          "It sings. It dances! Does it? It does: Yes (e.g. often) v. 2. It is. Étienne. «Oui». × 3. 4"),
      (Lines{"It sings.", "It dances!", "Does it?", "It does:", "Yes (e.g. often) v. 2.", "It is.",
             "Étienne.", "«Oui». × 3. 4"}));
  EXPECT_EQ(sentences("One. \"Two.\" (Three.) „Vier.“ end"),
            (Lines{"One.", "\"Two.\" (Three.) „Vier.“ end"}));
  EXPECT_EQ(sentences("One. (Two) 3."), (Lines{"One.", "(Two) 3."}));
  EXPECT_EQ(sentences(""), Lines{});
  EXPECT_EQ(sentences("."), Lines{"."});
  EXPECT_EQ(sentences("A. "), Lines{"A. "});
}

Lines aligned(const Description& source, const Description& target) {
  Lines pairs;
  for (const TextPair& pair : aligned_pairs(source, target)) pairs.push_back(pair.source + "|" + pair.target);
  return pairs;
}

TEST(Descriptions, AreAlignedBySentencesOrParagraphs) {
  const Description english{
      .synopsis = "a free game of skill",
      .paragraphs = {"It is a game. It needs some skill.", "It is not very hard. Try it now!"}};
  EXPECT_EQ(aligned(english, {.synopsis = "un jeu d'adresse libre",
                              .paragraphs = {"C'est un jeu. Il faut de l'adresse.",
                                             "Il n'est pas très difficile : essayez-le !"}}),
            (Lines{"a free game of skill|un jeu d'adresse libre", "It is a game.|C'est un jeu.",
                   "It needs some skill.|Il faut de l'adresse.",
                   "It is not very hard. Try it now!|Il n'est pas très difficile : essayez-le !"}));
  EXPECT_EQ(aligned(english, {.synopsis = "un jeu d'adresse libre", .paragraphs = {"C'est un jeu."}}),
            Lines{"a free game of skill|un jeu d'adresse libre"});
}

TEST(Descriptions, AreNotAlignedWithWhatIsNoTranslation) {
  const auto pair = [](const std::string& source, const std::string& target) {
    return aligned({.synopsis = source}, {.synopsis = target}).size();
  };
  EXPECT_EQ(pair("three short words", "trois mots courts"), 1u);
  EXPECT_EQ(pair("two words", "deux mots"), 0u);
  EXPECT_EQ(pair("the same text here", "the same text here"), 0u);
  EXPECT_EQ(pair("this is not translated", "ceci <trans> est"), 0u);
  EXPECT_EQ(pair("this is much longer than its translation", "trop court"), 0u);
  EXPECT_EQ(pair("it is short", "mais ceci est beaucoup plus long que cela"), 0u);
  EXPECT_EQ(pair("A B C", "A B D"), 0u);
  std::string many;
  for (int i = 0; i < 41; ++i) many += "word ";
  EXPECT_EQ(pair(many, many + "."), 0u);
}

}  // namespace
}  // namespace attend::data
