#include "stacks/transform.h"

#include <algorithm>

#include "stacks/serverless.h"
#include "stacks/template.h"

namespace stacks {

base::Result<std::string> expand_transforms(const std::string& text,
                                            const std::map<std::string, std::string>& given) {
  ASSIGN_OR_RETURN(Value document, parse_document(text));
  const Value* declared = document.find("Transform");
  if (declared == nullptr) return text;
  const auto is_serverless = [](const Value& item) {
    return item.text() == serverless::kTransform;
  };
  Value rest = Value::list();
  for (const Value& item : declared->items())
    if (!is_serverless(item)) rest.push(item);
  if (!is_serverless(*declared) && rest.size() == declared->size()) return text;
  ASSIGN_OR_RETURN(Value expanded, serverless::expand(std::move(document), given));
  if (rest.empty()) expanded.erase("Transform");
  else expanded.set("Transform", std::move(rest));
  return to_json(expanded);
}

}  // namespace stacks
