#include "functions/bootstraps.h"

namespace functions {

std::string_view node_bootstrap() {
  return R"js(// Makes Node.js a Lambda runtime: loads the handler, asks the Runtime API for events, answers.
import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { format } from 'node:util';
import { pathToFileURL } from 'node:url';
import http from 'node:http';
import path from 'node:path';

const [apiHost, apiPort] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const taskRoot = process.env.LAMBDA_TASK_ROOT;
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const prefix = '/2018-06-01/runtime/';

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
    const outcome = await run(handler, JSON.parse(next.body), next.headers);
    await answer(requestId, outcome);
  }
}

main().catch((error) => {
  process.stderr.write('runtime: ' + (error && error.stack) + '\n');
  process.exit(1);
});
)js";
}

}  // namespace functions
