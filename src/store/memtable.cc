#include "store/memtable.h"

#include <rocksdb/memtablerep.h>

#include <array>
#include <atomic>
#include <bit>
#include <cstring>
#include <mutex>
#include <new>
#include <string_view>
#include <vector>

#include "base/check.h"

namespace store {

namespace {

constexpr int kHeightMax = 12;
constexpr std::size_t kFirstSlots = 64;

// One value of a key, or its removal. RocksDB's entry follows: the length of the internal key, the
// key, eight bytes of sequence number and kind, the length of the value, the value.
struct Version {
  Version* older = nullptr;  // fixed before anybody can see this one
  std::atomic<Version*> newer = nullptr;

  const char* entry() const { return reinterpret_cast<const char*>(this + 1); }
};

std::uint64_t load_u64(const char* at) {
  std::uint64_t value = 0;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

// Of what RocksDB calls an internal key: newer versions of a key have greater tags.
constexpr std::size_t kTagBytes = 8;
static_assert(std::endian::native == std::endian::little);
std::uint64_t tag_of(std::string_view internal_key) {
  return load_u64(internal_key.data() + internal_key.size() - kTagBytes);
}
std::string_view internal_key_of(const char* entry) {
  std::size_t length = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto next = static_cast<unsigned char>(*entry++);
    length |= std::size_t(next & 0x7FU) << shift;
    if (next < 0x80U) return {entry, length};
  }
}
std::string_view internal_key_of(const Version& version) {
  return internal_key_of(version.entry());
}
std::string_view user_key_of(std::string_view internal_key) {
  return internal_key.substr(0, internal_key.size() - kTagBytes);
}

// A key with its first bytes as numbers that order as they do.
struct Key {
  explicit Key(std::string_view all) : text(all) {
    std::array<char, 16> head{};
    std::memcpy(head.data(), all.data(), std::min(all.size(), head.size()));
    first = __builtin_bswap64(load_u64(head.data()));
    second = __builtin_bswap64(load_u64(head.data() + 8));
  }
  bool operator<(const Key& other) const {
    if (first != other.first) return first < other.first;
    if (second != other.second) return second < other.second;
    return text < other.text;
  }

  std::uint64_t first = 0;
  std::uint64_t second = 0;
  std::string_view text;
};

struct Node {
  Key key;  // within the oldest version
  Version* const oldest;
  std::atomic<Version*> newest;

  // As many follow as the node is high.
  std::atomic<Node*>& next(int level) {
    return *(reinterpret_cast<std::atomic<Node*>*>(this + 1) + level);
  }
  const std::atomic<Node*>& next(int level) const { return const_cast<Node*>(this)->next(level); }
};

struct Slot {
  std::atomic<std::uint64_t> hash = 0;  // valid once there is a node
  std::atomic<Node*> node = nullptr;
};

// A table of slots, never more than three quarters full.
struct Slots {
  explicit Slots(std::size_t size) : mask(size - 1), slots(new Slot[size]) {}
  std::size_t bytes() const { return (mask + 1) * sizeof(Slot); }
  // The node with the key, or the free slot where it belongs.
  Slot& find(std::uint64_t hash, std::string_view key) const {
    for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
      Slot& slot = slots[at];
      const Node* const node = slot.node.load(std::memory_order_acquire);
      if (node == nullptr) return slot;
      if (slot.hash.load(std::memory_order_relaxed) == hash && node->key.text == key) return slot;
    }
  }

  const std::size_t mask;
  const std::unique_ptr<Slot[]> slots;
};

// Memory for the iterators that RocksDB wants to have in its own arena, whose class is not public.
class CursorPool {
 public:
  void* take(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) return all_.emplace_back(new char[bytes]).get();
    void* const place = free_.back();
    free_.pop_back();
    return place;
  }
  void give_back(void* place) {
    const std::lock_guard lock(mutex_);
    free_.push_back(place);
  }

 private:
  std::mutex mutex_;
  std::vector<void*> free_;
  std::vector<std::unique_ptr<char[]>> all_;
};

class Memtable final : public rocksdb::MemTableRep {
 public:
  explicit Memtable(rocksdb::Allocator* allocator);
  ~Memtable() override = default;

  rocksdb::KeyHandle Allocate(std::size_t length, char** buffer) override;
  void Insert(rocksdb::KeyHandle handle) override;
  bool Contains(const char* entry) const override;
  std::size_t ApproximateMemoryUsage() override { return slot_bytes_; }
  Iterator* GetIterator(rocksdb::Arena* arena) override;
  Iterator* GetDynamicPrefixIterator(rocksdb::Arena* arena) override;

  const Node* first() const { return head_->next(0).load(std::memory_order_acquire); }
  const Node* last() const;
  const Node* at_or_after(const Key& key) const;
  const Node* before(const Key& key) const;
  const Node* find(std::string_view key) const;

 private:
  using Towers = std::array<Node*, kHeightMax>;

  char* allocate_aligned(std::size_t bytes);
  Node* make_node(const Key& key, Version* version, int height);
  int draw_height();
  std::uint64_t hash_of(std::string_view key) const;
  void add_to_slots(Node* node, std::uint64_t hash);
  // The last node below the key, which may be the head; on every level, if wanted.
  Node* seek_below(const Key& key, Towers* towers) const;

  Node* const head_;
  std::atomic<int> height_ = 1;
  std::uint64_t random_ = 0x9e3779b97f4a7c15U;  // how high nodes become is no secret
  std::atomic<Slots*> slots_ = nullptr;
  std::vector<std::unique_ptr<Slots>> all_slots_;  // readers may still look into former ones
  std::size_t nodes_ = 0;
  std::atomic<std::size_t> slot_bytes_ = 0;
  CursorPool cursors_;
};

// Gives a cursor's memory back. A base of the cursor, the first: so it is destroyed last.
class Returned {
 public:
  Returned(CursorPool* pool, void* place) : pool_(pool), place_(place) {}
  Returned(const Returned&) = delete;
  Returned& operator=(const Returned&) = delete;
  ~Returned() {
    if (pool_ != nullptr) pool_->give_back(place_);
  }

 private:
  CursorPool* const pool_;
  void* const place_;
};

// Where an iterator stands: a version of a key. Newer versions come first.
class Cursor final : private Returned, public rocksdb::MemTableRep::Iterator {
 public:
  // `one_key`: Seek() looks for one key, and the versions of others do not follow.
  Cursor(const Memtable& table, bool one_key, CursorPool* pool, void* place)
      : Returned(pool, place), table_(table), one_key_(one_key) {}
  // Its memory is somebody else's, whoever destroys it in whatever way.
  static void* operator new(std::size_t, void* place) { return place; }
  static void operator delete(void*) {}
  static void operator delete(void*, void*) {}

  bool Valid() const override { return version_ != nullptr; }
  const char* key() const override { return version_->entry(); }
  void Next() override {
    version_ = version_->older;
    if (version_ == nullptr && !one_key_) enter(node_->next(0).load(std::memory_order_acquire));
  }
  void Prev() override {
    version_ = version_->newer.load(std::memory_order_acquire);
    if (version_ == nullptr) enter_from_behind(table_.before(node_->key));
  }
  void Seek(const rocksdb::Slice& internal_key, const char* /*memtable_key*/) override {
    const std::string_view wanted = internal_key.ToStringView();
    const std::string_view key = user_key_of(wanted);
    enter(one_key_ ? table_.find(key) : table_.at_or_after(Key(key)));
    if (node_ == nullptr || (!one_key_ && node_->key.text != key)) return;
    const std::uint64_t tag = tag_of(wanted);
    // Who passes all versions of a key by asks for this.
    if (tag < tag_of(internal_key_of(*node_->oldest))) version_ = node_->oldest, Next();
    while (version_ != nullptr && node_->key.text == key &&
           tag_of(internal_key_of(*version_)) > tag)
      version_ = version_->older;
  }
  void SeekForPrev(const rocksdb::Slice& internal_key, const char* memtable_key) override {
    Seek(internal_key, memtable_key);
    if (Valid() && internal_key_of(*version_) == internal_key.ToStringView()) return;
    if (Valid()) Prev();
    else SeekToLast();
  }
  void SeekToFirst() override { enter(table_.first()); }
  void SeekToLast() override { enter_from_behind(table_.last()); }

 private:
  void enter(const Node* node) {
    node_ = node;
    version_ = node == nullptr ? nullptr : node->newest.load(std::memory_order_acquire);
  }
  void enter_from_behind(const Node* node) {
    node_ = node;
    version_ = node == nullptr ? nullptr : node->oldest;
  }

  const Memtable& table_;
  const bool one_key_;
  const Node* node_ = nullptr;
  const Version* version_ = nullptr;
};

Memtable::Memtable(rocksdb::Allocator* allocator)
    : MemTableRep(allocator), head_(make_node(Key(""), nullptr, kHeightMax)) {
  all_slots_.push_back(std::make_unique<Slots>(kFirstSlots));
  slots_ = all_slots_.back().get();
  slot_bytes_ = all_slots_.back()->bytes();
}

char* Memtable::allocate_aligned(std::size_t bytes) {
  constexpr std::size_t kAlignment = alignof(Node);
  static_assert(alignof(Node) == alignof(Version));
  char* place = nullptr;
  MemTableRep::Allocate(bytes + kAlignment - 1, &place);
  return place + (-reinterpret_cast<std::uintptr_t>(place) & (kAlignment - 1));
}

Node* Memtable::make_node(const Key& key, Version* version, int height) {
  const auto links = static_cast<std::size_t>(height) * sizeof(std::atomic<Node*>);
  char* const place = allocate_aligned(sizeof(Node) + links);
  Node* const node = new (place) Node{key, version, version};
  for (int level = 0; level < height; ++level) new (&node->next(level)) std::atomic<Node*>(nullptr);
  return node;
}

rocksdb::KeyHandle Memtable::Allocate(std::size_t length, char** buffer) {
  char* const place = allocate_aligned(sizeof(Version) + length);
  *buffer = place + sizeof(Version);
  return new (place) Version();
}

// Three of four nodes are on the lowest level alone.
int Memtable::draw_height() {
  random_ ^= random_ << 13U;
  random_ ^= random_ >> 7U;
  random_ ^= random_ << 17U;
  const int height = 1 + std::countr_zero(random_ | (std::uint64_t{1} << 62U)) / 2;
  return std::min(height, kHeightMax);
}

// Keys are chosen by clients, so the hash hangs on something they do not know: where this lies.
std::uint64_t Memtable::hash_of(std::string_view key) const {
  const auto mix = [](std::uint64_t a, std::uint64_t b) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
  };
  constexpr std::uint64_t kOdd = 0xa0761d6478bd642fU;
  std::uint64_t hash = mix(reinterpret_cast<std::uintptr_t>(this) ^ key.size(), kOdd);
  for (; key.size() >= 8; key.remove_prefix(8)) hash = mix(hash ^ load_u64(key.data()), kOdd);
  std::array<char, 8> rest{};
  std::memcpy(rest.data(), key.data(), key.size());
  return mix(hash ^ load_u64(rest.data()), kOdd);
}

void Memtable::add_to_slots(Node* node, std::uint64_t hash) {
  Slots* slots = slots_.load(std::memory_order_relaxed);
  const auto put = [](Slots& into, Node* one, std::uint64_t its_hash) {
    Slot& slot = into.find(its_hash, one->key.text);
    slot.hash.store(its_hash, std::memory_order_relaxed);
    slot.node.store(one, std::memory_order_release);
  };
  if (++nodes_ * 4 > (slots->mask + 1) * 3) {
    auto larger = std::make_unique<Slots>((slots->mask + 1) * 2);
    for (std::size_t i = 0; i <= slots->mask; ++i) {
      Node* const one = slots->slots[i].node.load(std::memory_order_relaxed);
      if (one != nullptr) put(*larger, one, slots->slots[i].hash.load(std::memory_order_relaxed));
    }
    slots = larger.get();
    slot_bytes_ += slots->bytes();
    all_slots_.push_back(std::move(larger));
    slots_.store(slots, std::memory_order_release);
  }
  put(*slots, node, hash);
}

void Memtable::Insert(rocksdb::KeyHandle handle) {
  auto* const version = static_cast<Version*>(handle);
  const std::string_view internal_key = internal_key_of(*version);
  const std::string_view text = user_key_of(internal_key);
  const std::uint64_t hash = hash_of(text);
  Slots& slots = *slots_.load(std::memory_order_relaxed);
  if (Node* const node = slots.find(hash, text).node.load(std::memory_order_relaxed)) {
    Version* const newest = node->newest.load(std::memory_order_relaxed);
    CHECK(tag_of(internal_key) > tag_of(internal_key_of(*newest)));
    version->older = newest;
    newest->newer.store(version, std::memory_order_release);
    node->newest.store(version, std::memory_order_release);
    return;
  }
  const Key key(text);
  Towers towers;
  towers.fill(head_);
  seek_below(key, &towers);
  const int height = draw_height();
  Node* const node = make_node(key, version, height);
  // Who sees the new height before the node finds nothing up there, and goes down.
  if (height > height_.load(std::memory_order_relaxed))
    height_.store(height, std::memory_order_relaxed);
  for (int level = 0; level < height; ++level) {
    std::atomic<Node*>& link = towers[static_cast<std::size_t>(level)]->next(level);
    node->next(level).store(link.load(std::memory_order_relaxed), std::memory_order_relaxed);
    link.store(node, std::memory_order_release);
  }
  add_to_slots(node, hash);
}

Node* Memtable::seek_below(const Key& key, Towers* towers) const {
  Node* node = head_;
  const Node* known_above = nullptr;  // not below the key, as the level above has shown
  for (int level = height_.load(std::memory_order_relaxed) - 1; level >= 0; --level) {
    for (;;) {
      Node* const next = node->next(level).load(std::memory_order_acquire);
      if (next == nullptr || next == known_above) break;
      if (!(next->key < key)) {
        known_above = next;
        break;
      }
      node = next;
    }
    if (towers != nullptr) (*towers)[static_cast<std::size_t>(level)] = node;
  }
  return node;
}

const Node* Memtable::at_or_after(const Key& key) const {
  return seek_below(key, nullptr)->next(0).load(std::memory_order_acquire);
}

const Node* Memtable::before(const Key& key) const {
  const Node* const node = seek_below(key, nullptr);
  return node == head_ ? nullptr : node;
}

const Node* Memtable::last() const {
  const Node* node = head_;
  for (int level = height_.load(std::memory_order_relaxed) - 1; level >= 0; --level)
    while (const Node* const next = node->next(level).load(std::memory_order_acquire)) node = next;
  return node == head_ ? nullptr : node;
}

const Node* Memtable::find(std::string_view key) const {
  const Slots& slots = *slots_.load(std::memory_order_acquire);
  return slots.find(hash_of(key), key).node.load(std::memory_order_acquire);
}

bool Memtable::Contains(const char* entry) const {
  const std::string_view wanted = internal_key_of(entry);
  const Node* const node = find(user_key_of(wanted));
  if (node == nullptr) return false;
  const Version* version = node->newest.load(std::memory_order_acquire);
  while (version != nullptr && internal_key_of(*version) != wanted) version = version->older;
  return version != nullptr;
}

rocksdb::MemTableRep::Iterator* Memtable::GetIterator(rocksdb::Arena* /*arena*/) {
  void* const place = cursors_.take(sizeof(Cursor));
  return new (place) Cursor(*this, false, &cursors_, place);
}

// RocksDB's Get() asks for one, seeks the key with it, and forgets it without destroying it. So it
// lies where nothing has to be given back: a thread looks for one key at a time.
rocksdb::MemTableRep::Iterator* Memtable::GetDynamicPrefixIterator(rocksdb::Arena* arena) {
  if (arena != nullptr) return GetIterator(arena);
  struct Place {
    alignas(Cursor) std::array<char, sizeof(Cursor)> bytes;
  };
  static thread_local Place place;
  return new (place.bytes.data()) Cursor(*this, true, nullptr, nullptr);
}

class MemtableFactory final : public rocksdb::MemTableRepFactory {
 public:
  using MemTableRepFactory::CreateMemTableRep;
  const char* Name() const override { return "millrace.Memtable"; }
  rocksdb::MemTableRep* CreateMemTableRep(const rocksdb::MemTableRep::KeyComparator& /*order*/,
                                          rocksdb::Allocator* allocator,
                                          const rocksdb::SliceTransform* /*prefixes*/,
                                          rocksdb::Logger* /*log*/) override {
    return new Memtable(allocator);
  }
};

}  // namespace

std::shared_ptr<rocksdb::MemTableRepFactory> memtable_factory() {
  return std::make_shared<MemtableFactory>();
}

}  // namespace store
