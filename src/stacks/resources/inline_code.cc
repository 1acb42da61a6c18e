#include "stacks/resources/inline_code.h"

#include <cstdint>
#include <vector>

#include "base/digest.h"

namespace stacks::resources {

namespace {

// Puts the answer to the presigned URL, whatever its scheme and port.
constexpr std::string_view kNodeModule = R"js('use strict';
const SUCCESS = 'SUCCESS';
const FAILED = 'FAILED';

function send(event, context, status, data, physicalResourceId, noEcho) {
  const body = Buffer.from(JSON.stringify({
    Status: status,
    Reason: 'See the details in CloudWatch Log Stream: ' + context.logStreamName,
    PhysicalResourceId: physicalResourceId || context.logStreamName,
    StackId: event.StackId,
    RequestId: event.RequestId,
    LogicalResourceId: event.LogicalResourceId,
    NoEcho: noEcho || false,
    Data: data,
  }));
  const target = new URL(event.ResponseURL);
  const client = require(target.protocol === 'http:' ? 'http' : 'https');
  const request = client.request({
    hostname: target.hostname,
    port: target.port || undefined,
    path: target.pathname + target.search,
    method: 'PUT',
    headers: { 'content-type': '', 'content-length': body.length },
  }, (response) => {
    response.resume();
    response.on('end', () => context.done());
  });
  request.on('error', (error) => {
    console.log('cfn-response: the answer could not be sent: ' + error.message);
    context.done();
  });
  request.end(body);
}

module.exports = { SUCCESS, FAILED, send };
)js";

constexpr std::string_view kPythonModule = R"py(import json
import urllib.request

SUCCESS = "SUCCESS"
FAILED = "FAILED"


def send(event, context, responseStatus, responseData, physicalResourceId=None, noEcho=False,
         reason=None):
    body = json.dumps({
        "Status": responseStatus,
        "Reason": reason or "See the details in CloudWatch Log Stream: " + context.log_stream_name,
        "PhysicalResourceId": physicalResourceId or context.log_stream_name,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "NoEcho": noEcho,
        "Data": responseData,
    }).encode()
    request = urllib.request.Request(event["ResponseURL"], data=body, method="PUT",
                                     headers={"content-type": ""})
    try:
        urllib.request.urlopen(request).close()
    except OSError as error:
        print("cfnresponse: the answer could not be sent:", error)
)py";

void append_le(std::string& out, std::uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xffU);
}

struct File {
  std::string name;
  std::string_view content;
};

constexpr std::uint32_t kMethodStored = 0;
constexpr std::uint32_t kDosDate = 0x21;  // 1980-01-01: the same code makes the same package

// The members that local and central headers share.
void append_entry(std::string& out, const File& file) {
  append_le(out, 20, 2);      // version needed
  append_le(out, 0x0800, 2);  // names are UTF-8
  append_le(out, kMethodStored, 2);
  append_le(out, 0, 2);
  append_le(out, kDosDate, 2);
  append_le(out, base::crc32(file.content), 4);
  append_le(out, static_cast<std::uint32_t>(file.content.size()), 4);
  append_le(out, static_cast<std::uint32_t>(file.content.size()), 4);
  append_le(out, static_cast<std::uint32_t>(file.name.size()), 2);
  append_le(out, 0, 2);
}

std::string zip(const std::vector<File>& files) {
  std::string out;
  std::string directory;
  for (const File& file : files) {
    const auto offset = static_cast<std::uint32_t>(out.size());
    append_le(out, 0x04034b50, 4);
    append_entry(out, file);
    out += file.name;
    out += file.content;
    append_le(directory, 0x02014b50, 4);
    append_le(directory, 0x0314, 2);  // made on Unix
    append_entry(directory, file);
    append_le(directory, 0, 2);
    append_le(directory, 0, 2);
    append_le(directory, 0, 2);
    append_le(directory, 0100644U << 16U, 4);  // a regular file, rw-r--r--
    append_le(directory, offset, 4);
    directory += file.name;
  }
  const auto start = static_cast<std::uint32_t>(out.size());
  out += directory;
  append_le(out, 0x06054b50, 4);
  append_le(out, 0, 4);
  append_le(out, static_cast<std::uint32_t>(files.size()), 2);
  append_le(out, static_cast<std::uint32_t>(files.size()), 2);
  append_le(out, static_cast<std::uint32_t>(directory.size()), 4);
  append_le(out, start, 4);
  append_le(out, 0, 2);
  return out;
}

}  // namespace

std::string inline_package(std::string_view runtime, std::string_view code) {
  if (runtime.starts_with("python"))
    return zip({{"index.py", code}, {"cfnresponse.py", kPythonModule}});
  return zip({{"index.js", code}, {"cfn-response.js", kNodeModule}});
}

}  // namespace stacks::resources
