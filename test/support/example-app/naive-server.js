// What most examples do: close at once. The load-balancer test has to see this fail, or it proves nothing.
const { randomUUID } = require('node:crypto');
const server = require('node:http').createServer((req, res) => {
  const requestId = randomUUID();
  res.setHeader('X-Request-Id', requestId);
  res.on('close', () => console.log(JSON.stringify({ requestId })));
  res.end('{}');
});
server.listen(process.env.PORT, process.env.HOST, () => console.log(JSON.stringify({ message: 'listening', port: server.address().port })));
process.on('SIGTERM', () => server.close(() => process.exit(0)));
