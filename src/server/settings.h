#pragma once

// What `millrace serve` can be told. Plain values with their defaults; docs/operations.md lists
// them.

#include <cstdint>
#include <string>
#include <vector>

namespace server {

inline constexpr std::uint16_t kDefaultPort = 4566;

struct Settings {
  std::string data_dir;
  std::string address = "127.0.0.1";
  std::uint16_t port = kDefaultPort;  // 0: any free one
  std::string metrics_address;        // of the page for Prometheus; empty: there is none
  std::uint16_t metrics_port = 0;
  std::string region = "us-east-1";  // of requests that name none, and of `millrace env`
  std::string account_id = "000000000000";
  std::size_t cores = 0;  // threads that serve; 0: as many as the machine has, at most 8
  std::size_t cache_bytes = 32U << 20U;  // of stored keys kept in memory
  std::uint32_t shard_limit = 500;
  bool enforce_limits = false;          // AWS's limits of throughput: shards, tables
  std::uint32_t table_creation_ms = 0;  // how long a new table stays CREATING
  std::string runtimes_dir;  // Node and Python modules for functions; empty: beside the binary
  bool allow_weak_sandbox = false;  // run functions although the host isolates less than we want
};

}  // namespace server
