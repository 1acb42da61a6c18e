#include "functions/bootstraps.h"

namespace functions {

std::string_view node_bootstrap() {
  return R"js(// Makes Node.js a Lambda runtime: loads the handler, asks the Runtime API for events, answers.
import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { Writable } from 'node:stream';
import { format } from 'node:util';
import { pathToFileURL } from 'node:url';
import http from 'node:http';
import path from 'node:path';

const [apiHost, apiPort] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const taskRoot = process.env.LAMBDA_TASK_ROOT;
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const prefix = '/2018-06-01/runtime/';

process.stdout.write('INIT_START Runtime Version: nodejs:' + process.versions.node + '\n');

let requestId = '';

// One event a call: line ends inside a message travel as '\r'.
function frame(level, message) {
  const line = new Date().toISOString() + '\t' + (requestId || 'undefined') + '\t' + level + '\t';
  process.stdout.write((line + message).replace(/\r?\n/g, '\r') + '\n');
}
for (const [name, level] of [['log', 'INFO'], ['info', 'INFO'], ['warn', 'WARN'],
                             ['error', 'ERROR'], ['debug', 'DEBUG'], ['trace', 'TRACE']]) {
  console[name] = (...words) => frame(level, format(...words));
}

function call(method, where, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const options = { host: apiHost, port: apiPort, path: prefix + where, method, agent, headers };
    if (body !== undefined) {
      headers['content-type'] = 'application/json';
      headers['content-length'] = Buffer.byteLength(body);
    }
    const request = http.request(options, (response) => {
      const pieces = [];
      response.on('data', (piece) => pieces.push(piece));
      response.on('end', () => resolve({
        status: response.statusCode,
        headers: response.headers,
        body: Buffer.concat(pieces).toString('utf8'),
      }));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

function describe(error) {
  if (error instanceof Error || (error && error.stack && error.message !== undefined)) {
    const named = error.name && error.name !== 'Error' ? error.name : error.constructor?.name;
    return {
      errorType: error.errorType || named || 'Error',
      errorMessage: String(error.message),
      trace: String(error.stack).split('\n'),
    };
  }
  const text = typeof error === 'object' && error !== null ? JSON.stringify(error) : String(error);
  return { errorType: typeof error, errorMessage: text, trace: [] };
}

function typed(errorType, message, cause) {
  const error = new Error(message);
  error.errorType = errorType;
  if (cause && cause.stack) error.stack = errorType + ': ' + message + '\n' + cause.stack;
  return error;
}

async function postError(where, error) {
  const told = describe(error);
  await call('POST', where, JSON.stringify(told), { 'lambda-runtime-function-error-type': told.errorType });
}

async function load(file) {
  const require = createRequire(file);
  if (path.extname(file) === '.mjs') return import(pathToFileURL(file).href);
  try {
    return require(file);
  } catch (error) {
    if (error.code !== 'ERR_REQUIRE_ESM' && error.code !== 'ERR_REQUIRE_ASYNC_MODULE') throw error;
    return import(pathToFileURL(file).href);
  }
}

async function findHandler(spec) {
  const base = path.basename(spec);
  const dot = base.indexOf('.');
  if (dot <= 0) throw typed('Runtime.MalformedHandlerName', 'Bad handler');
  const stem = path.resolve(taskRoot, path.dirname(spec), base.slice(0, dot));
  const file = ['', '.js', '.mjs', '.cjs'].map((end) => stem + end).find((name) => existsSync(name) && path.extname(name));
  if (file === undefined) {
    const name = path.join(path.dirname(spec), base.slice(0, dot));
    throw typed('Runtime.ImportModuleError', `Error: Cannot find module '${name}'`);
  }
  let found;
  try {
    found = await load(file);
  } catch (error) {
    if (error instanceof SyntaxError) throw typed('Runtime.UserCodeSyntaxError', 'SyntaxError: ' + error.message, error);
    if (error.code === 'MODULE_NOT_FOUND' || error.code === 'ERR_MODULE_NOT_FOUND')
      throw typed('Runtime.ImportModuleError', 'Error: ' + error.message, error);
    throw error;
  }
  for (const part of base.slice(dot + 1).split('.')) {
    const inner = found?.[part];
    found = inner === undefined ? found?.default?.[part] : inner;
  }
  if (found === undefined) throw typed('Runtime.HandlerNotFound', `${spec} is undefined or not exported`);
  if (typeof found !== 'function') throw typed('Runtime.HandlerNotFound', `${spec} is not a function`);
  return found;
}

// Handlers that write their answer: it travels while they write it. The request begins with the
// first byte, so a failure before that is told as any other, and one after that in trailers.
const streams = Symbol.for('aws.lambda.runtime.handler.streaming');
const integration = 'application/vnd.awslambda.http-integration-response';
class ResponseStream extends Writable {
  #id;
  #contentType = 'application/octet-stream';
  #request = null;
  #prelude = null;
  answered;
  constructor(id, options) {
    super(options);
    this.#id = id;
    this.answered = new Promise((resolve, reject) => { this.settle = { resolve, reject }; });
    this.answered.catch(() => {});
    this.on('error', () => {});
  }
  get begun() { return this.#request !== null; }
  setContentType(type) {
    if (this.begun) throw typed('InvalidStreamingOperation', 'Cannot set content-type, too late.');
    this.#contentType = type;
  }
  setPrelude(prelude) {
    this.setContentType(integration);
    this.#prelude = prelude;
  }
  begin() {
    if (this.begun) return;
    this.#request = http.request({
      host: apiHost, port: apiPort, method: 'POST', agent,
      path: prefix + 'invocation/' + this.#id + '/response',
      headers: {
        'content-type': this.#contentType,
        'lambda-runtime-function-response-mode': 'streaming',
        'transfer-encoding': 'chunked',
        trailer: 'Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body',
      },
    }, (response) => {
      response.resume();
      response.on('end', () => this.settle.resolve(response.statusCode));
      response.on('error', this.settle.reject);
    });
    this.#request.on('error', this.settle.reject);
    this.#request.on('error', (error) => this.destroy(error));
    if (this.#prelude === null) return;
    this.#request.write(JSON.stringify(this.#prelude));
    this.#request.write(new Uint8Array(8));
  }
  _write(piece, encoding, done) {
    this.begin();
    if (this.#request.write(piece, encoding)) done();
    else this.#request.once('drain', done);
  }
  _final(done) {
    this.begin();
    this.#request.end(done);
  }
  fail(error) {
    const told = describe(error);
    this.#request.addTrailers({
      'Lambda-Runtime-Function-Error-Type': told.errorType,
      'Lambda-Runtime-Function-Error-Body': Buffer.from(JSON.stringify(told)).toString('base64'),
    });
    this.#request.end();
    return this.answered;
  }
}
globalThis.awslambda = {
  streamifyResponse(handler, options) {
    handler[streams] = true;
    handler[Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark')] = options?.highWaterMark;
    return handler;
  },
  HttpResponseStream: {
    from(stream, prelude) {
      stream.setPrelude(prelude);
      return stream;
    },
  },
};
function ended(stream) {
  return new Promise((resolve, reject) => {
    if (stream.writableFinished) resolve();
    stream.once('finish', resolve);
    stream.once('error', reject);
    stream.once('close', () => (stream.writableFinished ? resolve() : reject(new Error('the stream was closed'))));
  });
}

// What the process itself tells while an event is worked on.
let onEmptyLoop = null;
let onUncaught = null;
process.on('beforeExit', () => {
  if (onEmptyLoop) onEmptyLoop();
});
process.on('uncaughtException', (error) => {
  console.error('Uncaught Exception', '\t' + JSON.stringify(describe(error)));
  if (onUncaught) onUncaught(error, 129);
  else process.exit(129);
});
process.on('unhandledRejection', (reason) => {
  const told = describe(reason);
  const error = typed('Runtime.UnhandledPromiseRejection', told.errorType + ': ' + told.errorMessage, reason);
  console.error('Unhandled Promise Rejection', '\t' + JSON.stringify(describe(error)));
  if (onUncaught) onUncaught(error, 128);
  else process.exit(128);
});

function makeContext(headers, finish) {
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  const clientContext = headers['lambda-runtime-client-context'];
  const identity = headers['lambda-runtime-cognito-identity'];
  const context = {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: clientContext ? JSON.parse(clientContext) : undefined,
    identity: identity ? JSON.parse(identity) : undefined,
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    getRemainingTimeInMillis: () => deadline - Date.now(),
    done: (error, result) => finish(error, result),
    succeed: (result) => finish(null, result),
    fail: (error) => finish(error === undefined || error === null ? 'handled' : error),
  };
  return context;
}

// Settles once: with the handler's promise, its callback, a context method, or an empty loop.
function run(handler, event, headers) {
  return new Promise((resolve) => {
    let settled = false;
    const settle = (outcome) => {
      if (settled) return;
      settled = true;
      onEmptyLoop = null;
      onUncaught = null;
      resolve(outcome);
    };
    const finish = (error, value) =>
      settle(error === undefined || error === null ? { value } : { error });
    const context = makeContext(headers, finish);
    const callback = (error, value) => {
      if (!context.callbackWaitsForEmptyEventLoop) finish(error, value);
      else if (!settled) onEmptyLoop = () => finish(error, value);
    };
    onUncaught = (error, exitCode) => settle({ error, exitCode });
    onEmptyLoop = () => settle({ value: null });
    let returned;
    try {
      returned = handler(event, context, callback);
    } catch (error) {
      finish(error === undefined || error === null ? new Error(String(error)) : error);
      return;
    }
    if (returned === undefined || returned === null || typeof returned.then !== 'function') return;
    onEmptyLoop = () => settle({ error: typed('Runtime.NodeJsExit',
      'The event loop is empty and the promise of the handler is still pending.') });
    returned.then((value) => settle({ value }),
                  (error) => settle({ error: error ?? new Error(String(error)) }));
  });
}

// Runs until the handler has returned and its stream has ended.
async function runStreaming(handler, event, headers, id) {
  const highWaterMark = handler[Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark')];
  const stream = new ResponseStream(id, highWaterMark ? { highWaterMark } : {});
  const outcome = await run(async (e, context) => {
    const returned = handler(e, stream, context);
    if (returned === undefined || typeof returned.then !== 'function')
      console.warn('Streaming handler does not return a promise.');
    const value = await returned;
    if (value !== undefined) console.warn('Streaming handlers ignore return values.');
    await ended(stream);
  }, event, headers);
  if (!('error' in outcome)) {
    await stream.answered;
    return;
  }
  if (!stream.begun) {
    await answer(id, outcome);
    return;
  }
  if (outcome.exitCode === undefined)
    console.error('Invoke Error', '\t' + JSON.stringify(describe(outcome.error)));
  await stream.fail(outcome.error).catch(() => {});
  if (outcome.exitCode !== undefined) process.exit(outcome.exitCode);
}

async function answer(id, outcome) {
  if ('error' in outcome) {
    if (outcome.exitCode === undefined)
      console.error('Invoke Error', '\t' + JSON.stringify(describe(outcome.error)));
    await postError('invocation/' + id + '/error', outcome.error);
    if (outcome.exitCode !== undefined) process.exit(outcome.exitCode);
    return;
  }
  let body;
  try {
    body = JSON.stringify(outcome.value === undefined ? null : outcome.value);
    if (body === undefined) body = 'null';
  } catch (error) {
    await postError('invocation/' + id + '/error',
                    typed('Runtime.MarshalError', 'Unable to stringify response body', error));
    return;
  }
  await call('POST', 'invocation/' + id + '/response', body);
}

async function main() {
  let handler;
  try {
    handler = await findHandler(process.env._HANDLER);
  } catch (error) {
    console.error('Uncaught Exception', '\t' + JSON.stringify(describe(error)));
    await postError('init/error', error);
    process.exit(1);
  }
  for (;;) {
    const next = await call('GET', 'invocation/next');
    if (next.status !== 200) process.exit(1);
    requestId = next.headers['lambda-runtime-aws-request-id'];
    if (next.headers['lambda-runtime-trace-id'])
      process.env._X_AMZN_TRACE_ID = next.headers['lambda-runtime-trace-id'];
    const event = JSON.parse(next.body);
    if (handler[streams]) await runStreaming(handler, event, next.headers, requestId);
    else await answer(requestId, await run(handler, event, next.headers));
  }
}

main().catch((error) => {
  process.stderr.write('runtime: ' + (error && error.stack) + '\n');
  process.exit(1);
});
)js";
}

}  // namespace functions
