#pragma once

// Memtable: what RocksDB has taken and not flushed yet, in a form of our own. Every write is
// preceded by a look at what it replaces, so finding a key has to be cheap: a hash table finds it
// at once. Its versions hang from it, so that writing a key again searches nothing. A skip list of
// the keys, for scans and flushes, is searched by new keys alone; it compares two numbers where
// RocksDB's own compares through calls.
//
// RocksDB owns a memtable and calls it: one thread inserts at a time, with growing sequence numbers
// (Database's promise); any number read meanwhile, without locks. Keys are ordered by their bytes.
// Nothing of it is a format on disk.

#include <memory>

namespace rocksdb {
class MemTableRepFactory;
}

namespace store {

std::shared_ptr<rocksdb::MemTableRepFactory> memtable_factory();

}  // namespace store
