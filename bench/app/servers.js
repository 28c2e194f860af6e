// The servers that the example app is compared with. They send the same response, without logs, headers and shutdown.
const body = () => ({ message: 'Hello, Fargate!', name: 'Fargate', time: new Date().toISOString() });
const announce = (port) => console.log(JSON.stringify({ message: 'listening', port }));

const servers = {
  'node:http': () => {
    const server = require('node:http').createServer((_req, res) => {
      const text = JSON.stringify(body());
      res.writeHead(200, {
        'Content-Type': 'application/json; charset=utf-8',
        'Content-Length': Buffer.byteLength(text),
      }).end(text);
    });
    server.listen(0, '127.0.0.1', () => announce(server.address().port));
  },
  'express': () => {
    const app = require('express')();
    app.get('/api/hello', (_req, res) => { res.json(body()); });
    const server = app.listen(0, '127.0.0.1', () => announce(server.address().port));
  },
  'fastify': (modules) => {
    const app = require(require.resolve('fastify', { paths: [modules] }))();
    app.get('/api/hello', async () => body());
    app.listen({ port: 0, host: '127.0.0.1' }).then(() => announce(app.server.address().port));
  },
};

servers[process.argv[2]](process.argv[3]);
