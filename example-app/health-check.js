// Health check of the container, so that the image does not need curl: exits with 0 when /health returns 200.
const { get } = require('node:http');

get({ host: '127.0.0.1', port: process.env.PORT || 8080, path: '/health', timeout: 4000 }, ({ statusCode }) => {
  process.exit(statusCode === 200 ? 0 : 1);
})
  .on('timeout', () => process.exit(1))
  .on('error', () => process.exit(1));
