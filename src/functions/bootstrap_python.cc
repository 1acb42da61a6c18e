#include "functions/bootstraps.h"

namespace functions {

std::string_view python_bootstrap() {
  return R"py("""Makes Python a Lambda runtime: loads the handler, asks the Runtime API, answers."""
import importlib
import json
import logging
import os
import socket
import sys
import time
import traceback

API = os.environ["AWS_LAMBDA_RUNTIME_API"]
PREFIX = "/2018-06-01/runtime/"
TASK_ROOT = os.environ["LAMBDA_TASK_ROOT"]
print("INIT_START Runtime Version: python:%d.%d.%d" % sys.version_info[:3], flush=True)


class RuntimeApi:
    """One connection, and no more of HTTP than the Runtime API needs: http.client takes longer to load than
    Python itself."""

    def __init__(self):
        host, port = API.split(":")
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.incoming = self.socket.makefile("rb")

    def call(self, method, where, body=None, headers=None):
        lines = ["%s %s%s HTTP/1.1" % (method, PREFIX, where), "Host: " + API]
        lines += ["%s: %s" % header for header in (headers or {}).items()]
        if body is not None:
            lines += ["Content-Type: application/json", "Content-Length: %d" % len(body)]
        self.socket.sendall("\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + (body or b""))
        status = int(self.incoming.readline().split()[1])
        received = {}
        while True:
            name, colon, value = self.incoming.readline().decode("latin-1").partition(":")
            if not colon:
                break
            received[name.lower()] = value.strip()
        return status, received, self.incoming.read(int(received.get("content-length", 0)))


class InvocationId(logging.Filter):
    current = ""

    def filter(self, record):
        record.aws_request_id = InvocationId.current
        return True


class OneEventHandler(logging.Handler):
    """Line ends inside a message travel as carriage returns, so it stays one event."""

    def emit(self, record):
        sys.stdout.write(self.format(record).replace("\n", "\r") + "\n")


class Identity:
    cognito_identity_id = None
    cognito_identity_pool_id = None


class ClientContext:
    def __init__(self, fields):
        self.custom = fields.get("custom")
        self.env = fields.get("env")
        self.client = fields.get("client")


class Context:
    def __init__(self, headers):
        self.aws_request_id = headers["lambda-runtime-aws-request-id"]
        self.invoked_function_arn = headers["lambda-runtime-invoked-function-arn"]
        self._deadline_ms = int(headers["lambda-runtime-deadline-ms"])
        client = headers.get("lambda-runtime-client-context")
        self.client_context = ClientContext(json.loads(client)) if client else None
        self.identity = Identity()
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]

    def get_remaining_time_in_millis(self):
        return max(0, self._deadline_ms - int(time.time() * 1000))

    def log(self, message):
        sys.stdout.write(str(message))


class LoadError(Exception):
    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


def describe(kind, message, stack, request_id):
    return json.dumps({"errorMessage": message, "errorType": kind, "requestId": request_id,
                       "stackTrace": stack}, ensure_ascii=False).encode("utf-8", "replace")


def log_error(kind, message, stack):
    text = "[ERROR] " + kind + ": " + message
    if stack:
        text += "\nTraceback (most recent call last):\n" + "".join(stack)
    sys.stdout.write(text.replace("\n", "\r") + "\n")
    sys.stdout.flush()


def user_frames(failure):
    frames = traceback.extract_tb(failure.__traceback__)
    return traceback.format_list([f for f in frames if not f.filename.startswith("/var/runtime/")])


def find_handler(spec):
    module, dot, name = spec.rpartition(".")
    if not dot:
        raise LoadError("Runtime.MalformedHandlerName",
                        "Bad handler '%s': not enough values to unpack (expected 2, got 1)" % spec)
    try:
        loaded = importlib.import_module(module.replace("/", "."))
    except ImportError as failure:
        raise LoadError("Runtime.ImportModuleError",
                        "Unable to import module '%s': %s" % (module, failure))
    except SyntaxError as failure:
        raise LoadError("Runtime.UserCodeSyntaxError",
                        "Syntax error in module '%s': %s" % (module, failure))
    try:
        return getattr(loaded, name)
    except AttributeError:
        raise LoadError("Runtime.HandlerNotFound",
                        "Handler '%s' missing on module '%s'" % (name, module))


def load(api):
    try:
        return find_handler(os.environ["_HANDLER"])
    except LoadError as failure:
        kind, message, stack = failure.kind, str(failure), []
    except Exception as failure:
        kind, message, stack = type(failure).__name__, str(failure), user_frames(failure)
    log_error(kind, message, stack)
    api.call("POST", "init/error", describe(kind, message, stack, ""),
             {"Lambda-Runtime-Function-Error-Type": kind})
    sys.exit(1)


def handle(api, handler, headers, body):
    context = Context(headers)
    InvocationId.current = context.aws_request_id
    where = "invocation/" + context.aws_request_id
    try:
        result = handler(json.loads(body), context)
    except Exception as failure:
        kind, message, stack = type(failure).__name__, str(failure), user_frames(failure)
        log_error(kind, message, stack)
        sys.stderr.flush()
        api.call("POST", where + "/error", describe(kind, message, stack, context.aws_request_id),
                 {"Lambda-Runtime-Function-Error-Type": kind})
        return
    try:
        answer = json.dumps(result, ensure_ascii=False).encode("utf-8")
    except Exception as failure:
        kind = "Runtime.MarshalError"
        message = "Unable to marshal response: " + str(failure)
        log_error(kind, message, [])
        api.call("POST", where + "/error", describe(kind, message, [], context.aws_request_id),
                 {"Lambda-Runtime-Function-Error-Type": kind})
        return
    sys.stdout.flush()
    sys.stderr.flush()
    api.call("POST", where + "/response", answer)


def main():
    own = "python%d.%d" % sys.version_info[:2]
    asked = os.environ.get("AWS_EXECUTION_ENV", "").replace("AWS_Lambda_", "")
    layers = ["/opt/python/lib/%s/site-packages" % name for name in dict.fromkeys((asked, own))]
    sys.path[0:1] = [TASK_ROOT, *layers, "/opt/python", "/var/runtime/python"]
    sys.stdout.reconfigure(line_buffering=True, encoding="utf-8", errors="backslashreplace")
    sys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace")
    logs = OneEventHandler()
    logs.setFormatter(logging.Formatter(
        "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s",
        "%Y-%m-%dT%H:%M:%S"))
    logs.formatter.converter = time.gmtime
    logs.addFilter(InvocationId())
    logging.getLogger().addHandler(logs)
    api = RuntimeApi()
    handler = load(api)
    while True:
        status, headers, body = api.call("GET", "invocation/next")
        if status != 200:
            sys.exit(1)
        trace = headers.get("lambda-runtime-trace-id")
        if trace:
            os.environ["_X_AMZN_TRACE_ID"] = trace
        handle(api, handler, headers, body)


main()
)py";
}

}  // namespace functions
