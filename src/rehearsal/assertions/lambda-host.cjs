'use strict';

/*
 * Runs the handlers of a Lambda function in a process of its own: node lambda-host.cjs FILE RESPONSE_HOST
 *
 * Each message to this process is an invocation. The process sends a message for each result, and for each response to
 * CloudFormation, which handlers send to RESPONSE_HOST over HTTPS.
 */

const https = require('node:https');

const [, , file, responseHost] = process.argv;

const originalRequest = https.request;
https.request = (...args) => {
  const [options, onResponse] = args;
  if (options?.hostname !== responseHost) { return originalRequest(...args); }
  let body = '';
  return {
    on: () => {},
    write: (text) => { body += text; },
    end: () => {
      process.send({ type: 'response', response: JSON.parse(body) }, () => onResponse({ statusCode: 200 }));
    },
  };
};

const handlers = require(file);

process.on('disconnect', () => process.exit());
process.on('message', async ({ id, handler, event, timeoutSeconds }) => {
  const deadline = Date.now() + 1000 * timeoutSeconds;
  const context = {
    functionName: handler,
    logStreamName: 'rehearsal',
    awsRequestId: String(id),
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
  try {
    process.send({ type: 'returned', id, result: await handlers[handler](event, context) });
  } catch (error) {
    process.send({ type: 'returned', id, error: error instanceof Error ? error.message : String(error) });
  }
});
