const { connectDatabase } = require('./database');

/** Applied in order, each once. Never change one that has been deployed; append another one. */
const MIGRATIONS = [
  `CREATE TABLE note (
     id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     text varchar(1000) NOT NULL,
     created_at timestamptz NOT NULL DEFAULT now()
   )`,
];

async function migrate(client) {
  await client.query('BEGIN');
  // A change of a large table takes longer than a request may.
  await client.query('SET LOCAL statement_timeout = 0');
  // One migration at a time; the transaction ends the lock.
  await client.query('SELECT pg_advisory_xact_lock(1)');
  await client.query('CREATE TABLE IF NOT EXISTS migration (number integer PRIMARY KEY)');
  const { rows: [{ count }] } = await client.query('SELECT count(*)::integer FROM migration');
  for (const [number, statement] of [...MIGRATIONS.entries()].slice(count)) {
    await client.query(statement);
    await client.query('INSERT INTO migration VALUES ($1)', [number]);
  }
  await client.query('COMMIT');
  console.log(JSON.stringify({ level: 30, msg: `${Math.max(0, MIGRATIONS.length - count)} migrations applied` }));
}

async function main() {
  const database = connectDatabase();
  const client = await database.connect();
  // Without COMMIT, PostgreSQL rolls back when the connection ends.
  try { await migrate(client); } finally { client.release(true); await database.end(); }
}

main().catch((error) => {
  console.error(JSON.stringify({ level: 50, msg: error.message, stack: error.stack }));
  process.exitCode = 1;
});
