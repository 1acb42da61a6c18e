#pragma once

// Shapes: what the codecs and the validator know about AWS's structures. tools/generate_api.py
// makes, from src/api/<service>.api, the C++ structures (api/<service>/types.h), the operations
// (operations.h), the errors (errors.h), and one constant Shape for each type.
//
// A Shape carries type-erased access to its C++ value, so that one walker serves every structure:
//   boolean bool, integer std::int32_t, long std::int64_t, float and double double,
//   string, enum and blob std::string, timestamp base::Timestamp,
//   list std::vector<T>, map std::map<std::string, T> or an api::Packed of it
//   structure: a struct whose members are all std::optional (api::Box where the type is recursive)
//   union: a struct that holds at most one of its members
// All shapes are constants: immutable and thread-safe.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace api {

enum class Kind : std::uint8_t {
  kBoolean,
  kInteger,
  kLong,
  kFloat,
  kDouble,
  kString,
  kBlob,
  kTimestamp,
  kList,
  kMap,
  kStructure,
  kUnion,
};

// Where a member travels in a REST protocol; everything else is in the body.
enum class Location : std::uint8_t { kBody, kHeader, kHeaders, kQuery, kUri, kStatus };

enum class TimeFormat : std::uint8_t { kProtocol, kIso8601, kHttpDate, kEpochSeconds };

struct Shape;

struct Member {
  std::string_view name;       // AWS's name, as in JSON
  std::string_view wire_name;  // the name in XML, the header, query or URI; usually `name`
  const Shape* shape;
  Location location = Location::kBody;
  TimeFormat time_format = TimeFormat::kProtocol;
  bool required = false;
  bool flattened = false;  // XML and Query: no wrapping element
  bool attribute = false;  // XML attribute
  bool payload = false;    // the body is this member
  bool streaming = false;
  bool event_stream = false;
  bool event_payload = false;
  bool idempotency_token = false;  // clients fill it in

  // The member's value in `object`, nullptr while unset.
  const void* (*find)(const void* object);
  // Sets the member to a fresh value and answers it.
  void* (*emplace)(void* object);
};

struct ListAccess {
  std::size_t (*size)(const void* list);
  const void* (*at)(const void* list, std::size_t index);
  void* (*push)(void* list);
};

struct MapAccess {
  using Visit = void (*)(void* context, const std::string& key, const void* value);
  std::size_t (*size)(const void* map);
  void (*for_each)(const void* map, void* context, Visit visit);
  // A fresh value under `key`, in place of any that was there.
  void* (*insert)(void* map, std::string key);
  // Whether an api::Packed is packed, and so checked already; nullptr: it is no api::Packed.
  bool (*is_packed)(const void* map) = nullptr;
};

inline constexpr std::int64_t kNoMin = std::numeric_limits<std::int64_t>::min();
inline constexpr std::int64_t kNoMax = std::numeric_limits<std::int64_t>::max();

struct Shape {
  std::string_view name;
  Kind kind;
  std::int64_t min = kNoMin;  // of the value, the length (bytes for blobs), or the count
  std::int64_t max = kNoMax;
  std::string_view pattern;  // anchored regular expression; empty: none
  std::span<const std::string_view> enum_values;
  TimeFormat time_format = TimeFormat::kProtocol;
  std::span<const Member> members;  // structure, union
  const Shape* element = nullptr;   // list element, map value
  const Shape* key = nullptr;       // map
  std::string_view element_name;    // XML name of an element; empty: "member"
  std::string_view key_name;        // XML names within a map entry; empty: "key", "value"
  std::string_view value_name;
  std::string_view xml_namespace;
  const ListAccess* list = nullptr;
  const MapAccess* map = nullptr;
  // Unions: marks that more than one member was given.
  void (*set_ambiguous)(void* object) = nullptr;
};

enum class Protocol : std::uint8_t { kJson, kRestJson, kQuery, kRestXml };

struct Service {
  std::string_view name;     // "kinesis"
  std::string_view version;  // "2013-12-02"
  Protocol protocol;
  std::string_view json_version;  // "1.1"; empty unless JSON
  std::string_view target;        // X-Amz-Target's prefix; empty unless JSON
  std::string_view signing_name;  // in the credential scope
  std::string_view endpoint;      // host name's first label
  std::string_view xml_namespace;
};

struct Operation {
  const Service* service;
  std::string_view name;
  std::string_view method;
  std::string_view uri;  // "/{Bucket}/{Key+}?acl"
  int status = 200;
  const Shape* input;
  const Shape* output;
  std::string_view input_name;  // REST-XML root element
  std::string_view input_namespace;
  std::string_view wrapper;  // Query result element
};

// A value on the heap that copies like a value; breaks the recursion of a structure into itself.
template <class T>
class Box {
 public:
  Box() = default;
  Box(T value) : value_(std::make_unique<T>(std::move(value))) {}  // NOLINT: a drop-in optional
  Box(const Box& other) : value_(other.value_ ? std::make_unique<T>(*other.value_) : nullptr) {}
  Box(Box&&) noexcept = default;
  Box& operator=(Box other) noexcept {
    value_.swap(other.value_);
    return *this;
  }
  ~Box() = default;

  bool has_value() const { return value_ != nullptr; }
  explicit operator bool() const { return has_value(); }
  T& emplace() { return *(value_ = std::make_unique<T>()); }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return value_.get(); }
  const T* operator->() const { return value_.get(); }
  void reset() { value_.reset(); }

 private:
  std::unique_ptr<T> value_;
};

}  // namespace api
