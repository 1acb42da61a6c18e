#pragma once

// The templates behind the type-erased access in shape.h. Only generated shape tables include this.

#include <map>
#include <variant>
#include <vector>

#include "api/packed.h"
#include "api/shape.h"

namespace api::access {

template <auto member>
struct MemberOf;

template <class Object, class Slot, Slot Object::* member>
struct MemberOf<member> {
  static const void* find(const void* object) {
    const Slot& slot = static_cast<const Object*>(object)->*member;
    return slot.has_value() ? &*slot : nullptr;
  }
  static void* emplace(void* object) { return &(static_cast<Object*>(object)->*member).emplace(); }
};

template <class Union, std::size_t index>
struct AlternativeOf {
  static const void* find(const void* object) {
    return std::get_if<index>(&static_cast<const Union*>(object)->value);
  }
  static void* emplace(void* object) {
    return &static_cast<Union*>(object)->value.template emplace<index>();
  }
};

template <class Union>
void set_ambiguous(void* object) {
  static_cast<Union*>(object)->ambiguous = true;
}

// std::vector<bool> has no addressable elements; no AWS list of ours holds booleans.
template <class T>
inline constexpr ListAccess kList = {
    .size = [](const void* list) { return static_cast<const std::vector<T>*>(list)->size(); },
    .at = [](const void* list, std::size_t index) -> const void* {
      return &(*static_cast<const std::vector<T>*>(list))[index];
    },
    .push = [](void* list) -> void* { return &static_cast<std::vector<T>*>(list)->emplace_back(); },
};

template <class T>
inline constexpr MapAccess kMap = {
    .size =
        [](const void* map) { return static_cast<const std::map<std::string, T>*>(map)->size(); },
    .for_each =
        [](const void* map, void* context, MapAccess::Visit visit) {
          for (const auto& [key, value] : *static_cast<const std::map<std::string, T>*>(map))
            visit(context, key, &value);
        },
    .insert = [](void* map, std::string key) -> void* {
      auto& entries = *static_cast<std::map<std::string, T>*>(map);
      return &entries.insert_or_assign(std::move(key), T{}).first->second;
    },
};

template <class T>
inline constexpr MapAccess kPackedMap = {
    .size =
        [](const void* map) {
          return (**static_cast<const Packed<std::map<std::string, T>>*>(map)).size();
        },
    .for_each =
        [](const void* map, void* context, MapAccess::Visit visit) {
          kMap<T>.for_each(&**static_cast<const Packed<std::map<std::string, T>>*>(map), context,
                           visit);
        },
    .insert = [](void* map, std::string key) -> void* {
      return kMap<T>.insert(&**static_cast<Packed<std::map<std::string, T>>*>(map), std::move(key));
    },
    .is_packed =
        [](const void* map) {
          return static_cast<const Packed<std::map<std::string, T>>*>(map)->is_packed();
        },
};

}  // namespace api::access
