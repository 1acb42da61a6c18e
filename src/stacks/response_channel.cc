#include "stacks/response_channel.h"

namespace stacks {

std::string ResponseChannel::open(const std::string& region, const std::string& token) {
  {
    const std::lock_guard lock(mutex_);
    if (open_.size() < kOpenTokensMax) open_.try_emplace(token);
  }
  return urls_.url_for(region, token);
}

void ResponseChannel::close(const std::string& token) {
  const std::lock_guard lock(mutex_);
  open_.erase(token);
}

ResponseChannel::Delivery ResponseChannel::deliver(const std::string& token, std::string body) {
  if (body.size() > kResponseBytesMax) return Delivery::kTooLarge;
  {
    const std::lock_guard lock(mutex_);
    const auto found = open_.find(token);
    if (found == open_.end()) return Delivery::kUnknownToken;
    if (found->second.size() >= kResponsesPerTokenMax) return Delivery::kFull;
    found->second.push_back(std::move(body));
  }
  arrived_.notify();
  return Delivery::kTaken;
}

async::Task<std::optional<std::string>> ResponseChannel::next(std::string token,
                                                              base::SteadyTime deadline,
                                                              std::stop_token stop) {
  while (true) {
    const auto seen = arrived_.version();
    {
      const std::lock_guard lock(mutex_);
      const auto found = open_.find(token);
      if (found != open_.end() && !found->second.empty()) {
        std::string body = std::move(found->second.front());
        found->second.pop_front();
        co_return body;
      }
    }
    const bool woken = co_await arrived_.wait_past(seen, deadline, stop);
    if (!woken) co_return std::nullopt;
  }
}

}  // namespace stacks
