#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>

#include "io/faulty_files.h"
#include "io/real_files.h"

namespace io {
namespace {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = testing::TempDir() + "millrace-io-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// What both implementations promise.
void behaves_like_files(Files& files, const std::string& folder) {
  ASSERT_TRUE(files.make_folder(folder));
  ASSERT_TRUE(files.make_folder(folder));
  const std::string path = folder + "/a";
  EXPECT_EQ(files.open(path, OpenMode::kRead).error().code, base::ErrorCode::kNotFound);
  auto file = files.open(path, OpenMode::kCreateNew);
  ASSERT_TRUE(file);
  EXPECT_EQ(files.open(path, OpenMode::kCreateNew).error().code, base::ErrorCode::kAlreadyExists);
  ASSERT_TRUE((*file)->preallocate(100));
  EXPECT_EQ(*(*file)->size(), 100U);
  const std::vector<std::string_view> pieces = {"one", "", "two"};
  ASSERT_TRUE((*file)->write_at(pieces, 97));
  EXPECT_EQ(*(*file)->size(), 103U);
  std::string back(10, '?');
  EXPECT_EQ(*(*file)->read_at(back, 97), 6U);
  EXPECT_EQ(back.substr(0, 6), "onetwo");
  ASSERT_TRUE((*file)->truncate(98));
  ASSERT_TRUE((*file)->sync_data());
  ASSERT_TRUE(write_file_atomically(files, folder, "b", "first"));
  ASSERT_TRUE(write_file_atomically(files, folder, "b", "second"));
  EXPECT_EQ(*read_file(files, folder + "/b", 100), "second");
  EXPECT_EQ(read_file(files, folder + "/b", 3).error().code, base::ErrorCode::kLimit);
  EXPECT_EQ(*files.list(folder), (std::vector<std::string>{"a", "b"}));
  ASSERT_TRUE(files.remove(path));
  EXPECT_EQ(files.remove(path).error().code, base::ErrorCode::kNotFound);
  auto lock = files.lock(folder + "/LOCK");
  ASSERT_TRUE(lock);
  EXPECT_EQ(files.lock(folder + "/LOCK").error().code, base::ErrorCode::kConflict);
  lock->reset();
  EXPECT_TRUE(files.lock(folder + "/LOCK"));
}

TEST(Files, RealOnesKeepThePromises) {
  const TemporaryFolder temporary;
  RealFiles files;
  const std::string folder = temporary.path() + "/data";
  behaves_like_files(files, folder);
  struct stat info{};
  ASSERT_EQ(::stat(folder.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0700U);
}

TEST(Files, FaultyOnesKeepThePromises) {
  base::SeededRandom random(1);
  FaultyFiles files(random);
  behaves_like_files(files, "/data");
}

TEST(FaultyFiles, KeepWhatWasSyncedOverACrash) {
  base::SeededRandom random(2);
  FaultyFiles files(random);
  ASSERT_TRUE(files.make_folder("/d"));
  auto file = *files.open("/d/a", OpenMode::kCreateNew);
  const std::string synced(5000, 's');
  ASSERT_TRUE(file->write_at(synced, 0));
  ASSERT_TRUE(file->sync_data());
  ASSERT_TRUE(files.sync_folder("/d"));
  ASSERT_TRUE(file->write_at(std::string(5000, 'u'), 5000));
  files.crash();
  EXPECT_EQ(file->sync_data().error().code, base::ErrorCode::kIo);
  const std::string back = *read_file(files, "/d/a", 100'000);
  EXPECT_EQ(back.substr(0, 5000), synced);
}

TEST(FaultyFiles, LoseAndTearWhatWasNotSynced) {
  base::SeededRandom random(3);
  bool torn = false;
  bool vanished = false;
  for (int round = 0; round < 50; ++round) {
    FaultyFiles files(random);
    ASSERT_TRUE(files.make_folder("/d"));
    auto file = *files.open("/d/a", OpenMode::kCreateNew);
    ASSERT_TRUE(file->write_at(std::string(8 * kSectorBytes, 'u'), 0));
    files.crash();
    const auto back = read_file(files, "/d/a", 100'000);
    if (!back) vanished = true;
    else if (back->find('u') != std::string::npos && back->find('\0') != std::string::npos)
      torn = true;
  }
  EXPECT_TRUE(torn);
  EXPECT_TRUE(vanished);
}

TEST(FaultyFiles, FailOnRequest) {
  base::SeededRandom random(4);
  FaultyFiles files(random);
  ASSERT_TRUE(files.make_folder("/d"));
  auto file = *files.open("/d/a", OpenMode::kCreateNew);
  files.fail_writes(1);
  EXPECT_EQ(file->write_at("x", 0).error().code, base::ErrorCode::kIo);
  files.fail_writes(0);
  files.fail_syncs(1);
  EXPECT_EQ(file->sync_data().error().code, base::ErrorCode::kIo);
  files.fail_syncs(0);
  files.limit_space(10);
  EXPECT_EQ(file->write_at("0123456789abc", 0).error().code, base::ErrorCode::kNoSpace);
  EXPECT_EQ(file->preallocate(11).error().code, base::ErrorCode::kNoSpace);
}

}  // namespace
}  // namespace io
