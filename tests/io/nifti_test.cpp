#include "attend/io/nifti.h"

#include <gtest/gtest.h>

#include <limits>

#include "support/expect_error.h"
#include "support/files.h"
#include "support/gzipped.h"
#include "support/nifti_file.h"
#include "support/temporary_folder.h"

namespace attend::io {
namespace {

using test::nifti_file;

NiftiVolume parse_volume(const std::string& text, const ReadNiftiOptions& options = {}) {
  return parse_nifti(std::as_bytes(std::span(text)), "file", options);
}

template <class T>
void reads_type(std::int16_t type) {
  for (const bool swapped : {false, true}) {
    const std::vector<T> voxels = {0, 1, 2, std::numeric_limits<T>::max(), 100, 3};
    const NiftiVolume volume =
        parse_volume(nifti_file<T>({.shape = {3, 2}, .type = type, .swapped = swapped}, voxels));
    EXPECT_EQ(volume.shape, (std::vector<std::int64_t>{3, 2}));
    EXPECT_EQ(volume.spacing, (std::vector<float>{1, 2}));
    for (std::size_t i = 0; i < voxels.size(); ++i)
      EXPECT_EQ(volume.values.at(i), static_cast<float>(voxels[i])) << type << " " << swapped;
  }
}

TEST(Nifti, ReadsEveryTypeInBothByteOrders) {
  reads_type<std::uint8_t>(2);
  reads_type<std::int16_t>(4);
  reads_type<std::int32_t>(8);
  reads_type<float>(16);
  reads_type<std::uint16_t>(512);
  const NiftiVolume doubles =
      parse_volume(nifti_file<double>({.shape = {2}, .type = 64, .swapped = true}, {-0.5, 1e9}));
  EXPECT_EQ(doubles.values, (std::vector<float>{-0.5F, 1e9F}));
}

TEST(Nifti, ScalesByTheSlopeUnlessItIsZero) {
  const std::vector<std::int16_t> voxels = {-2, 0, 5};
  EXPECT_EQ(
      parse_volume(nifti_file<std::int16_t>({.shape = {3}, .type = 4, .slope = 0.5, .intercept = 10}, voxels))
          .values,
      (std::vector<float>{9, 10, 12.5}));
  EXPECT_EQ(parse_volume(nifti_file<std::int16_t>({.shape = {3}, .type = 4, .intercept = 10}, voxels)).values,
            (std::vector<float>{-2, 0, 5}));
}

TEST(Nifti, ReadsFilesPackedOrNot) {
  const test::TemporaryFolder folder;
  const std::string text = nifti_file<std::uint8_t>({.shape = {2, 1, 2}}, {1, 2, 3, 4});
  test::write_all(folder / "a.nii", text);
  test::write_all(folder / "a.nii.gz", test::gzipped(text));
  EXPECT_EQ(read_nifti(folder / "a.nii").values, (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(read_nifti(folder / "a.nii.gz"), read_nifti(folder / "a.nii"));
  EXPECT_ERROR(read_nifti(folder / "a.nii.gz", {.max_bytes = 100}), "a.nii.gz: longer than 100 bytes");
  EXPECT_ERROR(read_nifti(folder / "none.nii"), "none.nii: No such file");
}

TEST(Nifti, NamesWhatIsWrong) {
  const std::vector<std::uint8_t> six(6);
  const auto whole = [&](const test::NiftiContent& content) { return nifti_file(content, six); };
  const std::string good = whole({.shape = {3, 2}});
  EXPECT_ERROR(parse_volume(""), "cannot read file: it is no NIfTI-1 file in one piece");
  EXPECT_ERROR(parse_volume(good.substr(0, 347)), "it is no NIfTI-1 file in one piece");
  std::string changed = good;
  changed[345] = 'i';  // a pair of files
  EXPECT_ERROR(parse_volume(changed), "it is no NIfTI-1 file in one piece");
  changed = good;
  changed[0] = 0;
  EXPECT_ERROR(parse_volume(changed), "not 348 in either byte order");
  EXPECT_ERROR(parse_volume(good.substr(0, 357)), "it is cut short: 5 voxels, and the sizes 3 x 2 need 6");
  EXPECT_ERROR(parse_volume(whole({.shape = {3, 2}, .type = 1})), "elements of type 1; expected 2 (u8)");
  EXPECT_ERROR(parse_volume(whole({.shape = {}})), "0 axes; expected 1 to 7");
  EXPECT_ERROR(parse_volume(whole({.shape = {3, 0}})), "sizes 3 x 0; expected positive ones");
  EXPECT_ERROR(parse_volume(whole({.shape = {3, -2}})), "sizes 3 x -2; expected positive ones");
  EXPECT_ERROR(parse_volume(whole({.shape = {32767, 32767, 32767, 32767, 32767, 32767, 32767}})),
               "are more than 268435456 voxels");
  EXPECT_ERROR(parse_volume(good, {.max_voxels = 5}), "are more than 5 voxels");
  for (const float offset : {0.0F, 347.0F, 352.5F, 1e9F, std::numeric_limits<float>::quiet_NaN()})
    EXPECT_ERROR(parse_volume(whole({.shape = {3, 2}, .offset = offset})), "its voxels begin at byte");
  EXPECT_ERROR(parse_volume(whole({.shape = {3, 2}, .slope = std::numeric_limits<float>::infinity()})),
               "slope inf");
}

TEST(Nifti, SlicesGoRightAndUp) {
  // Voxel (x, y, z) holds x + 10 y + 100 z.
  NiftiVolume volume{.shape = {3, 2, 2, 1}, .spacing = {1, 1, 1, 1}};
  for (int z = 0; z < 2; ++z)
    for (int y = 0; y < 2; ++y)
      for (int x = 0; x < 3; ++x) volume.values.push_back(static_cast<float>(x + 10 * y + 100 * z));
  EXPECT_EQ(slice_of(volume, 2, 1), (NiftiSlice{2, 3, {110, 111, 112, 100, 101, 102}}));
  EXPECT_EQ(slice_of(volume, 1, 0), (NiftiSlice{2, 3, {100, 101, 102, 0, 1, 2}}));
  EXPECT_EQ(slice_of(volume, 0, 2), (NiftiSlice{2, 2, {102, 112, 2, 12}}));
  EXPECT_ERROR(slice_of(volume, 2, 2),
               "slice 2 along axis 2 of a volume of sizes [3, 2, 2, 1]: there is none");
  EXPECT_ERROR(slice_of(volume, 3, 0), "along axis 3");
  EXPECT_ERROR(slice_of(volume, 0, -1), "slice -1");
  volume.shape[3] = 2;
  EXPECT_ERROR(slice_of(volume, 0, 0), "three axes needed");
  EXPECT_ERROR(slice_of({.shape = {2, 2}, .values = {1, 2, 3, 4}}, 0, 0), "three axes needed");
}

}  // namespace
}  // namespace attend::io
