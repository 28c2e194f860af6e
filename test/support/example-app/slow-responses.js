// Loaded into the app under test (node --require): delays each response by the milliseconds in the request header
// X-Response-Delay, like a busy handler.
const { ServerResponse } = require('node:http');

const { end } = ServerResponse.prototype;
ServerResponse.prototype.end = function (...args) {
  const delay = Number(this.req.headers['x-response-delay'] ?? 0);
  if (delay === 0) {
    return end.apply(this, args);
  }
  setTimeout(() => end.apply(this, args), delay);
  return this;
};
