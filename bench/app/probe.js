// Loaded into each server (node --require): reports the CPU time and memory of its process.
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send({ cpuMicros: user + system, rss: process.memoryUsage.rss() });
});
process.channel.unref();
