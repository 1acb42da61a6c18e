#pragma once

// CodeStore: deployment packages on disk, by their SHA-256. One per server; thread-safe; its disk
// work runs on the pool.
//
//   FOLDER/packages/<sha256 hex>.zip   durable before put() answers
//   FOLDER/unpacked/<sha256 hex>/      what functions see at /var/task; made when first needed,
//                                      thrown away at each start, so a crash cannot leave half of
//                                      it behind
//   FOLDER/unpacked/layers-<hex>/      several layers laid over each other, for /opt
//
// A package that the catalogue names no more is removed by collect(), unless somebody holds it.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "async/blocking.h"
#include "async/mutex.h"
#include "base/result.h"
#include "functions/zip_package.h"
#include "io/files.h"

namespace functions {

// Holding it keeps the package's files.
struct Package {
  std::string sha256;  // raw
  std::uint64_t bytes = 0;
};
using PackagePtr = std::shared_ptr<const Package>;

class CodeStore {
 public:
  CodeStore(std::string folder, io::Files& files, async::BlockingPool& pool, ZipLimits limits = {});

  // Blocks: makes the folders and empties `unpacked`. Before anything else.
  base::Status open();

  // Checks the whole package and stores it. kInvalidArgument: no good zip; kLimit: too large
  // unpacked.
  async::Task<base::Result<PackagePtr>> put(std::string zip);
  // The package, as long as it is stored. kNotFound.
  async::Task<base::Result<PackagePtr>> find(std::string sha256);
  // The folder that holds its files, unpacked if need be. Hold the package while using it.
  async::Task<base::Result<std::string>> unpack(PackagePtr package);
  // The same for layers, of which a later one covers an earlier one's files. Not empty.
  async::Task<base::Result<std::string>> unpack_layers(std::vector<PackagePtr> layers);
  async::Task<base::Result<std::string>> read(PackagePtr package);  // the zip
  // How much its files take; reads the whole package.
  async::Task<base::Result<std::uint64_t>> unpacked_bytes(PackagePtr package);

  // Removes what is neither held nor in the answer of `used`, which is asked after the former was
  // looked at: a package that somebody holds until it is named in the catalogue is never lost.
  using Used = std::function<std::set<std::string>()>;
  async::Task<void> collect(Used used);

 private:
  base::Result<PackagePtr> put_here(const std::string& zip);
  base::Result<PackagePtr> find_here(const std::string& sha256);
  base::Result<std::string> unpack_here(const Package& package);
  base::Status unpack_to(const Package& package, const std::string& folder);
  base::Result<std::string> unpack_layers_here(const std::vector<PackagePtr>& layers);
  base::Result<std::string> read_here(const Package& package);
  void collect_here(const Used& used);
  PackagePtr hold(const std::string& sha256, std::uint64_t bytes);
  std::string packages() const { return folder_ + "/packages"; }
  std::string unpacked() const { return folder_ + "/unpacked"; }

  const std::string folder_;
  io::Files& files_;
  async::BlockingPool& pool_;
  const ZipLimits limits_;
  std::mutex mutex_;  // of the disk and of what is held
  std::map<std::string, std::weak_ptr<const Package>> held_;
  std::map<std::string, std::set<std::string>> merged_;  // folders of layers, and of which
};

}  // namespace functions
