#include "stacks/references.h"

#include <algorithm>
#include <array>

namespace stacks {

std::string_view function_name(const Value& value) {
  if (!value.is_object() || value.size() != 1) return {};
  const std::string& key = value.keys()[0];
  if (key == "Ref" || key.starts_with("Fn::")) return key;
  if (key == "Condition" && value.items()[0].is_string()) return key;
  return {};
}

base::Result<std::vector<SubPiece>> split_sub(std::string_view text) {
  std::vector<SubPiece> pieces;
  std::string literal;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto start = text.find("${", at);
    if (start == std::string_view::npos) break;
    literal += text.substr(at, start - at);
    const auto end = text.find('}', start);
    if (end == std::string_view::npos) {
      at = start;
      break;
    }
    std::string_view inside = text.substr(start + 2, end - start - 2);
    at = end + 1;
    if (inside.starts_with('!')) {
      literal.append("${").append(inside.substr(1)).append("}");
      continue;
    }
    while (inside.starts_with(' ')) inside.remove_prefix(1);
    while (inside.ends_with(' ')) inside.remove_suffix(1);
    const bool valid = !inside.empty() && std::all_of(inside.begin(), inside.end(), [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
             c == '.' || c == ':' || c == '_' || c == '-';
    });
    if (!valid)
      return base::error(base::ErrorCode::kInvalidArgument,
                         "Template error: variable names in Fn::Sub syntax must contain only "
                         "alphanumeric characters, underscores, periods, and colons");
    if (!literal.empty()) pieces.push_back({false, std::move(literal)});
    literal.clear();
    pieces.push_back({true, std::string(inside)});
  }
  literal += text.substr(at);
  if (!literal.empty()) pieces.push_back({false, std::move(literal)});
  return pieces;
}

bool is_pseudo_parameter(std::string_view name) {
  static constexpr std::array kNames = {"AWS::AccountId", "AWS::NoValue",  "AWS::NotificationARNs",
                                        "AWS::Partition", "AWS::Region",   "AWS::StackId",
                                        "AWS::StackName", "AWS::URLSuffix"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

namespace {

void collect(const Value& value, std::vector<Reference>& found);

void collect_sub(const Value& argument, std::vector<Reference>& found) {
  const Value* text = &argument;
  const Value* variables = nullptr;
  if (argument.is_list() && !argument.empty()) {
    text = &argument.items()[0];
    if (argument.size() > 1) variables = &argument.items()[1];
  }
  if (const auto pieces = split_sub(text->text())) {
    for (const SubPiece& piece : *pieces) {
      if (!piece.is_variable || (variables != nullptr && variables->has(piece.text))) continue;
      Reference reference{
          .kind = Reference::Kind::kRef, .name = piece.text, .attribute = "", .in_sub = true};
      if (const auto dot = piece.text.find('.'); dot != std::string::npos) {
        reference.kind = Reference::Kind::kGetAtt;
        reference.name = piece.text.substr(0, dot);
        reference.attribute = piece.text.substr(dot + 1);
      }
      found.push_back(std::move(reference));
    }
  }
  if (variables != nullptr) collect(*variables, found);
}

void collect_get_att(const Value& argument, std::vector<Reference>& found) {
  Reference reference{.kind = Reference::Kind::kGetAtt, .name = "", .attribute = ""};
  if (argument.is_string()) {
    const auto dot = argument.text().find('.');
    reference.name = argument.text().substr(0, dot);
    if (dot != std::string::npos) reference.attribute = argument.text().substr(dot + 1);
  } else if (argument.is_list() && !argument.empty()) {
    reference.name = argument.items()[0].text();
    if (argument.size() > 1) {
      reference.attribute = argument.items()[1].text();
      collect(argument.items()[1], found);
    }
  }
  found.push_back(std::move(reference));
}

void collect(const Value& value, std::vector<Reference>& found) {
  const std::string_view function = function_name(value);
  if (function == "Ref") {
    found.push_back(
        {.kind = Reference::Kind::kRef, .name = value.items()[0].text(), .attribute = ""});
    return;
  }
  if (function == "Fn::GetAtt") return collect_get_att(value.items()[0], found);
  if (function == "Fn::Sub") return collect_sub(value.items()[0], found);
  if (function == "Fn::If" && value.items()[0].is_list() && !value.items()[0].empty())
    found.push_back({.kind = Reference::Kind::kCondition,
                     .name = value.items()[0].items()[0].text(),
                     .attribute = ""});
  for (const Value& item : value.items()) collect(item, found);
}

}  // namespace

std::vector<Reference> references_in(const Value& value) {
  std::vector<Reference> found;
  collect(value, found);
  return found;
}

}  // namespace stacks
