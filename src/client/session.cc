#include "client/session.h"

namespace client {
namespace {

async::Task<void> close(wire::HttpClient& http) {
  http.close();
  co_return;
}

}  // namespace

Session::Session(Target target, std::string authorities_pem, std::stop_token stop)
    : target_(std::move(target)),
      http_(core_, {.authorities_pem = std::move(authorities_pem)}),
      caller_(make_caller(http_, target_, clock_)) {
  core_.start();
  forward_.emplace(std::move(stop), [this] { core_.post([this] { stop_.request_stop(); }); });
}

Session::~Session() {
  forward_.reset();
  async::wait_for(core_, close(http_));
  core_.stop();
}

}  // namespace client
