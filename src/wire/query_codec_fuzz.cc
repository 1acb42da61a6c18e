// Any form body into structures with lists, maps and recursion of names.

#include <cstddef>
#include <cstdint>

#include "api/cloudformation/operations.h"
#include "api/iam/operations.h"
#include "wire/query_codec.h"

namespace {

template <class Op>
void read(const wire::Form& form) {
  typename Op::Input input;
  static_cast<void>(wire::decode_query(form, *Op::info().input, &input));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto form = wire::parse_form({reinterpret_cast<const char*>(data), size});
  if (!form) return 0;
  read<api::cloudformation::op::CreateStack>(*form);
  read<api::iam::op::CreateRole>(*form);
  return 0;
}
