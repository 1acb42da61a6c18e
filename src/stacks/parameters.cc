#include "stacks/parameters.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/regex.hpp>
#include <charconv>

namespace stacks {

namespace {

std::unexpected<base::Error> invalid(std::string message) {
  return base::error(base::ErrorCode::kInvalidArgument, std::move(message));
}

std::optional<double> to_number(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    const auto comma = text.find(',');
    std::string_view part = text.substr(0, comma);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    parts.emplace_back(part);
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

bool is_list_type(std::string_view type) {
  return type == "CommaDelimitedList" || type.starts_with("List<");
}

// Matches as a whole. A pattern that is wrong, or that costs too much on this text, is the
// template's fault; boost::regex bounds its own work, std::regex does not.
base::Result<bool> matches(const std::string& pattern, const std::string& text,
                           const std::string& name) {
  try {
    const boost::regex regex(pattern, boost::regex::perl | boost::regex::no_mod_s);
    return boost::regex_match(text, regex);
  } catch (const std::exception&) {
    return invalid(
        fmt::format("Parameter '{}' has an AllowedPattern that cannot be used: {}", name, pattern));
  }
}

base::Status violated(const ParameterDeclaration& parameter, std::string message) {
  if (!parameter.constraint_description.empty())
    return invalid(fmt::format("Parameter {} failed to satisfy constraint: {}", parameter.name,
                               parameter.constraint_description));
  return invalid(std::move(message));
}

base::Status check_number(const ParameterDeclaration& parameter, const std::string& text) {
  const auto number = to_number(text);
  if (!number) return invalid(fmt::format("Parameter '{}' must be a number", parameter.name));
  if (const auto min = to_number(parameter.min_value); min && *number < *min)
    return violated(parameter, fmt::format("Parameter '{}' must be a number not less than {}",
                                           parameter.name, parameter.min_value));
  if (const auto max = to_number(parameter.max_value); max && *number > *max)
    return violated(parameter, fmt::format("Parameter '{}' must be a number not greater than {}",
                                           parameter.name, parameter.max_value));
  return {};
}

base::Status check_one(const ParameterDeclaration& parameter, const std::string& text) {
  if (!parameter.allowed_values.empty() &&
      std::find(parameter.allowed_values.begin(), parameter.allowed_values.end(), text) ==
          parameter.allowed_values.end())
    return violated(parameter,
                    fmt::format("Parameter '{}' must be one of AllowedValues", parameter.name));
  if (parameter.type == "Number" || parameter.type == "List<Number>")
    return check_number(parameter, text);
  if (const auto min = to_number(parameter.min_length);
      min && static_cast<double>(text.size()) < *min)
    return violated(parameter, fmt::format("Parameter '{}' must contain at least {} characters",
                                           parameter.name, parameter.min_length));
  if (const auto max = to_number(parameter.max_length);
      max && static_cast<double>(text.size()) > *max)
    return violated(parameter, fmt::format("Parameter '{}' must contain at most {} characters",
                                           parameter.name, parameter.max_length));
  if (parameter.allowed_pattern.empty()) return {};
  ASSIGN_OR_RETURN(const bool matched, matches(parameter.allowed_pattern, text, parameter.name));
  if (matched) return {};
  return violated(parameter, fmt::format("Parameter '{}' must match pattern {}", parameter.name,
                                         parameter.allowed_pattern));
}

base::Result<BoundParameter> bind(const ParameterDeclaration& parameter, const std::string& text) {
  if (text.size() > kParameterBytesMax)
    return invalid(fmt::format("Parameter '{}' must contain at most {} characters", parameter.name,
                               kParameterBytesMax));
  BoundParameter bound;
  bound.text = text;
  bound.no_echo = parameter.no_echo;
  if (!is_list_type(parameter.type)) {
    RETURN_IF_ERROR(check_one(parameter, text));
    bound.value = Value::string(text);
    return bound;
  }
  bound.value = Value::list();
  if (text.empty() && parameter.type != "List<Number>") return bound;
  for (std::string& part : split_list(text)) {
    RETURN_IF_ERROR(check_one(parameter, part));
    bound.value.push(Value::string(std::move(part)));
  }
  return bound;
}

}  // namespace

base::Result<BoundParameters> bind_parameters(const Template& source,
                                              const std::vector<GivenParameter>& given,
                                              const std::map<std::string, std::string>& previous) {
  std::vector<std::string> undeclared;
  std::map<std::string, std::string> values;
  for (const GivenParameter& one : given) {
    if (source.parameter(one.name) == nullptr) {
      undeclared.push_back(one.name);
      continue;
    }
    if (values.contains(one.name))
      return invalid(fmt::format("Duplicate parameter key {}", one.name));
    if (one.use_previous && one.value)
      return invalid(fmt::format(
          "Invalid input for parameter key {}. Cannot specify usePreviousValue as true and non "
          "empty value for a parameter",
          one.name));
    if (one.value) {
      values[one.name] = *one.value;
    } else if (one.use_previous) {
      const auto before = previous.find(one.name);
      if (before == previous.end())
        return invalid(fmt::format(
            "Invalid input for parameter key {}. Cannot specify usePreviousValue as true for a "
            "parameter key not in the previous template",
            one.name));
      values[one.name] = before->second;
    }
  }
  if (!undeclared.empty())
    return invalid(
        fmt::format("Parameters: [{}] do not exist in the template", fmt::join(undeclared, ", ")));
  std::vector<std::string> missing;
  BoundParameters bound;
  for (const ParameterDeclaration& parameter : source.parameters) {
    const auto value = values.find(parameter.name);
    if (value == values.end() && !parameter.default_value) {
      missing.push_back(parameter.name);
      continue;
    }
    ASSIGN_OR_RETURN(
        BoundParameter one,
        bind(parameter, value == values.end() ? *parameter.default_value : value->second));
    bound.emplace(parameter.name, std::move(one));
  }
  if (!missing.empty())
    return invalid(fmt::format("Parameters: [{}] must have values", fmt::join(missing, ", ")));
  return bound;
}

}  // namespace stacks
