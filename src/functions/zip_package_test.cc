#include "functions/zip_package.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "functions/zip_walk.h"

namespace functions {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;

struct Raw {
  std::string name;
  std::string bytes;
  std::uint32_t mode = S_IFREG | 0644;
};

// A zip that a friendly tool would not make. Names of one length can be made equal afterwards.
std::string raw_zip(const std::vector<Raw>& entries) {
  zip_source_t* const source = zip_source_buffer_create(nullptr, 0, 0, nullptr);
  zip_source_keep(source);
  zip_t* const archive = zip_open_from_source(source, ZIP_TRUNCATE, nullptr);
  for (const Raw& entry : entries) {
    zip_source_t* const bytes =
        zip_source_buffer(archive, entry.bytes.data(), entry.bytes.size(), 0);
    const zip_int64_t at = zip_file_add(archive, entry.name.c_str(), bytes, 0);
    EXPECT_GE(at, 0) << entry.name;
    zip_file_set_external_attributes(archive, static_cast<zip_uint64_t>(at), 0, ZIP_OPSYS_UNIX,
                                     entry.mode << 16U);
  }
  EXPECT_EQ(zip_close(archive), 0);
  zip_stat_t stat;
  zip_source_stat(source, &stat);
  std::string out(stat.size, '\0');
  zip_source_open(source);
  zip_source_read(source, out.data(), out.size());
  zip_source_close(source);
  zip_source_free(source);
  return out;
}

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + 1))
    text.replace(at, from.size(), to);
  return text;
}

ErrorCode refusal(const std::string& zip, const ZipLimits& limits = {}) {
  const auto checked = check_zip(zip, limits);
  EXPECT_FALSE(checked.has_value());
  return checked ? ErrorCode::kInternal : checked.error().code;
}

class ZipPackageTest : public testing::Test {
 protected:
  ZipPackageTest() : root_(fs::temp_directory_path() / fmt::format("millrace-zip-{}", ::getpid())) {
    fs::create_directories(root_);
  }
  ~ZipPackageTest() override { fs::remove_all(root_); }
  std::string read(const std::string& name) const {
    std::ostringstream out;
    out << std::ifstream(root_ / "out" / name, std::ios::binary).rdbuf();
    return std::move(out).str();
  }
  fs::path root_;
};

TEST_F(ZipPackageTest, UnpacksFilesReadableByEverybodyWithTheirExecutableBits) {
  ::umask(077);
  const std::string zip = raw_zip({{"bootstrap", "#!", S_IFREG | 0700},
                                   {"lib/a.txt", "text", S_IFREG | 0600},
                                   {"l", "lib/a.txt", S_IFLNK | 0777}});
  ASSERT_TRUE(unpack_zip(zip, {}, root_ / "out"));
  ::umask(022);
  EXPECT_EQ(read("lib/a.txt"), "text");
  EXPECT_EQ(read("l"), "text");
  EXPECT_EQ(fs::status(root_ / "out/bootstrap").permissions(), fs::perms(0755));
  EXPECT_EQ(fs::status(root_ / "out/lib/a.txt").permissions(), fs::perms(0644));
  EXPECT_EQ(fs::status(root_ / "out/lib").permissions(), fs::perms(0755));
}

TEST_F(ZipPackageTest, RefusesNamesThatLeaveThePackage) {
  for (const char* const name : {"../x", "a/../../x", "a/..", "/etc/x"})
    EXPECT_EQ(refusal(raw_zip({{name, "x"}})), ErrorCode::kInvalidArgument) << name;
}

TEST_F(ZipPackageTest, RefusesLinksThatLeaveThePackage) {
  for (const char* const target : {"/etc/passwd", "../x", "a/../../x", "a/../x", ""})
    EXPECT_EQ(refusal(raw_zip({{"l", target, S_IFLNK | 0777}})), ErrorCode::kInvalidArgument)
        << target;
  EXPECT_TRUE(check_zip(raw_zip({{"d/l", "../x", S_IFLNK | 0777}}), {}));
}

TEST_F(ZipPackageTest, WritesNothingThroughALink) {
  EXPECT_EQ(refusal(raw_zip({{"d", "sub", S_IFLNK | 0777}, {"d/x", "1"}})),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(refusal(raw_zip({{"d/x", "1"}, {"d", "sub", S_IFLNK | 0777}})),
            ErrorCode::kInvalidArgument);
}

TEST_F(ZipPackageTest, RefusesANameThatStandsThereTwice) {
  const std::string zip = raw_zip({{"aaa", "1"}, {"bbb", "2"}});
  EXPECT_EQ(refusal(replace_all(zip, "bbb", "aaa")), ErrorCode::kInvalidArgument);
  EXPECT_EQ(refusal(raw_zip({{"a", "1"}, {"./a", "2"}})), ErrorCode::kInvalidArgument);
}

TEST_F(ZipPackageTest, RefusesDamagedBytes) {
  std::string zip = raw_zip({{"a", std::string(5000, 'x') + "end"}});
  EXPECT_EQ(refusal("not a zip"), ErrorCode::kInvalidArgument);
  EXPECT_EQ(refusal(zip.substr(0, zip.size() / 2)), ErrorCode::kInvalidArgument);
  zip[40] = static_cast<char>(zip[40] ^ 0x55);
  EXPECT_EQ(refusal(zip), ErrorCode::kInvalidArgument);
}

TEST_F(ZipPackageTest, StopsAtTheUnpackedSize) {
  const std::string zip = raw_zip({{"zeros", std::string(4U << 20U, '\0')}});
  EXPECT_LT(zip.size(), 20'000U);
  ZipLimits limits;
  limits.unpacked_bytes = 1U << 20U;
  EXPECT_EQ(refusal(zip, limits), ErrorCode::kLimit);
}

TEST_F(ZipPackageTest, StopsAtTheNumberOfEntries) {
  ZipLimits limits;
  limits.entries = 2;
  EXPECT_EQ(refusal(raw_zip({{"a", ""}, {"b", ""}, {"c", ""}}), limits), ErrorCode::kLimit);
}

TEST_F(ZipPackageTest, MakesTheSameBytesOfTheSameSource) {
  const auto zip = make_inline_zip("nodejs4.3", "exports.handler = 1;");
  ASSERT_TRUE(zip);
  EXPECT_EQ(*zip, *make_inline_zip("nodejs4.3", "exports.handler = 1;"));
  ASSERT_TRUE(unpack_zip(*zip, {}, root_ / "out"));
  EXPECT_EQ(read("index.js"), "exports.handler = 1;");
  EXPECT_TRUE(fs::exists(root_ / "out/cfn-response.js"));
  EXPECT_FALSE(make_inline_zip("provided.al2023", "x"));
}

}  // namespace
}  // namespace functions
