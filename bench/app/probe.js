// Loaded into each server (node --require): answers how much CPU and memory its process has used.
process.on('message', () => process.send({ cpuMicros: Object.values(process.cpuUsage()).reduce((a, b) => a + b), rss: process.memoryUsage.rss() }));
process.channel.unref();
