// Loaded into the app under test (node --require): an answer takes as long as the request says, as a busy handler's does.
const { ServerResponse } = require('node:http');

const { end } = ServerResponse.prototype;
ServerResponse.prototype.end = function (...args) {
  const delay = Number(this.req.headers['x-answer-after'] ?? 0);
  if (delay === 0) return end.apply(this, args);
  setTimeout(() => end.apply(this, args), delay);
  return this;
};
