// Closes its server immediately on SIGTERM, as most examples do. The load balancer test must detect failed requests.
const { randomUUID } = require('node:crypto');
const { createServer } = require('node:http');

const server = createServer((_req, res) => {
  const requestId = randomUUID();
  res.setHeader('X-Request-Id', requestId);
  res.on('close', () => console.log(JSON.stringify({ requestId })));
  res.end('{}');
});
server.listen(process.env.PORT, process.env.HOST, () => {
  console.log(JSON.stringify({ message: 'listening', port: server.address().port }));
});
process.on('SIGTERM', () => server.close(() => process.exit(0)));
