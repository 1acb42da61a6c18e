#include "sdk/url.h"

#include <gtest/gtest.h>

namespace sdk {
namespace {

TEST(Url, KeepsTheTargetAsWritten) {
  const auto url = parse_url("https://s3.example.com/a%2Fb%7C?X-Amz-Signature=0f&c=d%2Fe#part");
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->origin.tls);
  EXPECT_EQ(url->origin.host, "s3.example.com");
  EXPECT_EQ(url->origin.port, 443);
  EXPECT_EQ(url->target, "/a%2Fb%7C?X-Amz-Signature=0f&c=d%2Fe");
}

TEST(Url, HasASlashIfNothingFollowsTheHost) {
  EXPECT_EQ(parse_url("http://h")->target, "/");
  EXPECT_EQ(parse_url("http://h?q")->target, "/?q");
}

TEST(Url, NamesThePortOnlyIfItIsNotTheSchemesOwn) {
  EXPECT_EQ(parse_url("http://h:80/")->origin.host_header(), "h");
  EXPECT_EQ(parse_url("HTTPS://h:80/")->origin.host_header(), "h:80");
  EXPECT_EQ(parse_url("http://127.0.0.1:4566")->origin.host_header(), "127.0.0.1:4566");
  EXPECT_EQ(parse_url("http://[::1]:4566")->origin.host, "::1");
  EXPECT_EQ(parse_url("http://[::1]:4566")->origin.host_header(), "[::1]:4566");
}

TEST(Url, RefusesWhatCouldBeMisread) {
  for (const char* text : {"", "h", "ftp://h/", "http://", "http:///x", "http://u:p@h/",
                           "http://h:0/", "http://h:65536/", "http://h:x/", "http://h/a b",
                           "http://h/\r\nHost: x", "http://[::1", "http://h/\xc3\xa9"}) {
    EXPECT_FALSE(parse_url(text)) << text;
  }
}

TEST(HostPort, IsPlainHttp) {
  const auto origin = parse_host_port("169.254.100.1:9001");
  ASSERT_TRUE(origin);
  EXPECT_FALSE(origin->tls);
  EXPECT_EQ(origin->port, 9001);
  EXPECT_FALSE(parse_host_port(""));
}

}  // namespace
}  // namespace sdk
