#pragma once

// The transform AWS::Serverless-2016-10-31: from a template with serverless resources to one with
// the resources that they stand for, with the ids that AWS gives them. Served: functions with
// events of streams and tables, layers, simple tables, applications (nested stacks). Pure.

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "stacks/value.h"

namespace stacks::serverless {

inline constexpr std::string_view kTransform = "AWS::Serverless-2016-10-31";

// Values of the template's parameters, by name.
using Parameters = std::map<std::string, std::string>;

// The document without its serverless resources and globals; the transform itself is still
// declared. `given` goes over the parameters' defaults. kInvalidArgument in AWS's words, naming
// the resource.
base::Result<Value> expand(Value document, const Parameters& given);

// What one resource of the template becomes.
struct Expansion {
  Value resources = Value::object();  // by id
  // Names that references use, and the ids they stand for: "Fn.Version", "Layer".
  std::map<std::string, std::string, std::less<>> renamed;
};

// One AWS::Serverless::Function. `resource` has the globals in it.
base::Result<Expansion> expand_function(const std::string& id, const Value& resource,
                                        const Parameters& parameters);

// The policy document that a policy template stands for. kNotFound: no such template is served.
base::Result<Value> policy_of_template(std::string_view name, const Value& parameters);

// A resource's properties over the globals of its kind: objects are merged, lists joined, and of
// everything else the resource's own is taken.
Value merge_globals(const Value& global, const Value& own);

// --- pieces that the expansions share ----------------------------------------------------------

std::unexpected<base::Error> refuse(std::string_view id, std::string_view message);
inline Value text(std::string_view value) { return Value::string(std::string(value)); }
inline Value ref_to(std::string_view id) { return Value::object({"Ref"}, {text(id)}); }
Value attribute_of(std::string_view id, std::string_view name);  // Fn::GetAtt
// "arn:PARTITION:SERVICE:REGION:ACCOUNT:REST" as an Fn::Sub over `variables` (may be null).
Value arn_of(std::string_view service, std::string_view rest, Value variables);
// A statement. `action` is one or a list.
Value allow(Value action, Value resource);

// A list of Key and Value from an object; with what marks SAM's resources before it.
Value tags_of(const Value* tags, bool marked = true);
// {S3Bucket, S3Key, S3ObjectVersion} of an s3:// address or of {Bucket, Key, Version}.
base::Result<Value> location_of(std::string_view id, std::string_view property, const Value& where);
// Ten digits that change when `content` does, as AWS counts them.
std::string digits_of(const Value& content);
// `value` with the parameters that it refers to put in their places.
Value with_parameters(const Value& value, const Parameters& parameters);
// A made resource with the attributes that SAM hands on from `origin`.
Value resource_like(const Value& origin, std::string_view type, Value properties);

}  // namespace stacks::serverless
