#pragma once

// Keys and values of the index of logs: docs/formats/store.md. Pure functions.

#include "store/database.h"

namespace store {

// A chunk stands under its last position: the first chunk at or behind a position is then the one
// that holds it, and forgetting all chunks wholly below a position is one range.
std::string chunk_key(LogId log, std::uint64_t last);
std::string chunk_value(const Chunk& chunk);
// nullopt: not a chunk's key and value.
std::optional<Chunk> decode_chunk(std::string_view key, std::string_view value);
std::string chunks_begin(LogId log);
std::string chunks_end(LogId log);

std::string trim_key(LogId log);

// Says that the log has chunks in the segment.
std::string use_key(std::uint64_t segment, LogId log);
std::string uses_begin(std::uint64_t segment);
std::optional<LogId> decode_use(std::string_view key);

}  // namespace store
