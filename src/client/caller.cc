#include "client/caller.h"

#include "wire/json_codec.h"

namespace client {
namespace {

class WireCaller final : public Caller {
 public:
  WireCaller(wire::HttpClient& http, Target target, base::Clock& clock)
      : http_(http), target_(std::move(target)), clock_(clock) {}

 private:
  async::Task<Answer<void>> send(const api::Operation& operation, const void* input,
                                 void* output) override {
    auto request =
        make_request(target_, operation, wire::encode_json(*operation.input, input), clock_.now());
    if (!request) co_return std::unexpected(not_answered(request.error()));
    const auto answer = co_await http_.send(*std::move(request));
    if (!answer) co_return std::unexpected(not_answered(answer.error()));
    if (answer->status != 200)
      co_return std::unexpected(read_refusal(answer->status, answer->body));
    if (answer->body.empty()) co_return Answer<void>();
    const auto read = wire::decode_json(answer->body, *operation.output, output,
                                        wire::json_flavour(*operation.service));
    if (!read)
      co_return std::unexpected(
          Failure{.status = answer->status,
                  .message = "an answer that is not " + std::string(operation.name) + "'s",
                  .passing = true});
    co_return Answer<void>();
  }

  wire::HttpClient& http_;
  Target target_;
  base::Clock& clock_;
};

}  // namespace

std::unique_ptr<Caller> make_caller(wire::HttpClient& http, Target target, base::Clock& clock) {
  return std::make_unique<WireCaller>(http, std::move(target), clock);
}

}  // namespace client
