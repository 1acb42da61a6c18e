#pragma once

// For this module's tests: a folder that goes when it dies, and damage to files in it.

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "base/check.h"

namespace store {

class TestFolder {
 public:
  TestFolder() {
    std::string pattern = testing::TempDir() + "millrace-store-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  const std::string& path() const { return path_; }
  void remove_all(const std::string& name) { std::filesystem::remove_all(path_ + "/" + name); }

 private:
  std::string path_;
};

// Turns the lowest bit of the first byte of `text` where it first stands in the file.
inline void flip_bit_in(const std::string& path, const std::string& text) {
  std::stringstream all;
  all << std::ifstream(path, std::ios::binary).rdbuf();
  const std::size_t at = all.str().find(text);
  CHECK(at != std::string::npos);
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(at));
  file.put(static_cast<char>(text[0] ^ 1));
}

}  // namespace store
