#include "functions/bootstraps.h"

namespace functions {

std::string_view cfn_response_js() {
  return R"js('use strict';
// Answers a custom resource: puts the outcome to the address that CloudFormation gave.
const SUCCESS = 'SUCCESS';
const FAILED = 'FAILED';

function send(event, context, responseStatus, responseData, physicalResourceId, noEcho) {
  return new Promise((resolve) => {
    const body = JSON.stringify({
      Status: responseStatus,
      Reason: 'See the details in CloudWatch Log Stream: ' + context.logStreamName,
      PhysicalResourceId: physicalResourceId || context.logStreamName,
      StackId: event.StackId,
      RequestId: event.RequestId,
      LogicalResourceId: event.LogicalResourceId,
      NoEcho: noEcho || false,
      Data: responseData,
    });
    console.log('Response body:\n', body);
    const target = new URL(event.ResponseURL);
    const transport = require(target.protocol === 'http:' ? 'http' : 'https');
    const finish = () => {
      context.done();
      resolve();
    };
    const request = transport.request(
      target,
      { method: 'PUT', headers: { 'content-type': '', 'content-length': Buffer.byteLength(body) } },
      (response) => {
        console.log('Status code: ' + response.statusCode);
        response.resume();
        response.on('end', finish);
      });
    request.on('error', (error) => {
      console.log('The response could not be sent: ' + error.message);
      finish();
    });
    request.end(body);
  });
}

module.exports = { SUCCESS, FAILED, send };
)js";
}

std::string_view cfn_response_py() {
  return R"py("""Answers a custom resource: puts the outcome to the address CloudFormation gave."""
import json
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
    })
    print("Response body:")
    print(body)
    request = urllib.request.Request(event["ResponseURL"], data=body.encode(), method="PUT",
                                     headers={"content-type": ""})
    try:
        with urllib.request.urlopen(request) as response:
            print("Status code:", response.status)
    except Exception as failure:
        print("The response could not be sent:", failure)
)py";
}

}  // namespace functions
