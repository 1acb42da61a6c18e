#pragma once

// The settings that CreateFunction and UpdateFunctionConfiguration share: checked, then applied.

#include "services/lambda/lambda.h"

namespace services::lambda {

inline api::Error unusable_role() {
  return l::invalid_parameter_value(
      "The role defined for the function cannot be assumed by Lambda.");
}

inline bool is_empty(const l::VpcConfig& vpc) {
  return (!vpc.subnet_ids || vpc.subnet_ids->empty()) &&
         (!vpc.security_group_ids || vpc.security_group_ids->empty());
}

// What is wrong with them, or not there in Millrace; nullopt: nothing.
template <class Input>
std::optional<api::Error> check_settings(const Input& input) {
  if (input.vpc_config && !is_empty(*input.vpc_config)) return not_here("VpcConfig");
  if (input.file_system_configs && !input.file_system_configs->empty())
    return not_here("FileSystemConfigs");
  if (input.capacity_provider_config) return not_here("CapacityProviderConfig");
  if (input.durable_config) return not_here("DurableConfig");
  if (input.dead_letter_config && !input.dead_letter_config->target_arn.value_or("").empty())
    return not_here("DeadLetterConfig.TargetArn");
  if (input.snap_start && input.snap_start->apply_on.value_or("None") != "None")
    return not_here("SnapStart");
  if (input.environment && input.environment->variables)
    return check_environment(*input.environment->variables);
  return std::nullopt;
}

template <class Input>
void apply_settings(Version& version, const Input& input) {
  if (input.runtime) version.runtime = *input.runtime;
  if (input.handler) version.handler = *input.handler;
  if (input.role) version.role = *input.role;
  if (input.description) version.description = *input.description;
  if (input.timeout) version.timeout_s = *input.timeout;
  if (input.memory_size) version.memory_mb = *input.memory_size;
  if (input.environment)
    version.environment =
        input.environment->variables.value_or(std::map<std::string, std::string>());
  if (input.kms_key_arn) version.kms_key_arn = *input.kms_key_arn;
  if (input.tracing_config && input.tracing_config->mode)
    version.tracing_mode = *input.tracing_config->mode;
  if (input.ephemeral_storage && input.ephemeral_storage->size)
    version.tmp_mb = *input.ephemeral_storage->size;
  if (!input.logging_config) return;
  const l::LoggingConfig& logging = *input.logging_config;
  if (logging.log_format) version.log_format = *logging.log_format;
  if (logging.log_group) version.log_group = *logging.log_group;
  if (logging.application_log_level) version.application_log_level = *logging.application_log_level;
  if (logging.system_log_level) version.system_log_level = *logging.system_log_level;
}

}  // namespace services::lambda
