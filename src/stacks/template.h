#pragma once

// Template: a CloudFormation template taken apart and checked as far as that is possible without
// parameter values. Errors are kInvalidArgument with AWS's words, ready to be shown to the caller.
// Pure values; thread-safe to read.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "stacks/value.h"

namespace stacks {

inline constexpr std::size_t kTemplateBodyBytesMax = 51'200;    // in a request
inline constexpr std::size_t kTemplateUrlBytesMax = 1'000'000;  // read from S3
inline constexpr std::size_t kResourcesMax = 500;
inline constexpr std::size_t kParametersMax = 200;
inline constexpr std::size_t kOutputsMax = 200;
inline constexpr std::size_t kMappingsMax = 200;

struct ParameterDeclaration {
  std::string name;
  std::string type;  // "String", "Number", "List<Number>", "CommaDelimitedList", "AWS::..."
  std::optional<std::string> default_value;
  std::string description;
  bool no_echo = false;
  std::vector<std::string> allowed_values;
  std::string allowed_pattern;
  std::string constraint_description;
  std::string min_length, max_length, min_value, max_value;  // numbers as text; empty: not given
};

struct ResourceDeclaration {
  std::string id;
  std::string type;
  std::string condition;
  std::vector<std::string> depends_on;
  std::string deletion_policy;        // "", Delete, Retain, RetainExceptOnCreate, Snapshot
  std::string update_replace_policy;  // "", Delete, Retain, Snapshot
  Value properties;                   // an object, functions not resolved
  Value metadata;
};

struct OutputDeclaration {
  std::string name;
  std::string description;
  std::string condition;
  Value value;
  Value export_name;  // null: no export
};

struct Template {
  std::string description;
  Value metadata;
  std::vector<std::string> transforms;
  std::vector<ParameterDeclaration> parameters;
  Value mappings;    // object of objects of objects
  Value conditions;  // object
  std::vector<ResourceDeclaration> resources;
  std::vector<OutputDeclaration> outputs;
  Value rules;
  Value document;  // the whole of it

  const ParameterDeclaration* parameter(std::string_view name) const;
  const ResourceDeclaration* resource(std::string_view id) const;
  bool has_transform(std::string_view name) const;
};

// The text as a tree: JSON if it starts with '{', YAML otherwise. Empty lines before are ignored.
base::Result<Value> parse_document(std::string_view text);
// Takes a tree apart; checks structure, names, and that everything referred to is declared.
base::Result<Template> read_template(Value document);
inline base::Result<Template> parse_template(std::string_view text) {
  ASSIGN_OR_RETURN(Value document, parse_document(text));
  return read_template(std::move(document));
}

// The capability a template needs beyond plain resources.
struct NeededCapabilities {
  std::vector<std::string> capabilities;    // at most one of CAPABILITY_IAM, CAPABILITY_NAMED_IAM
  std::vector<std::string> resource_types;  // because of these
};
NeededCapabilities needed_capabilities(const Template& source);

}  // namespace stacks
