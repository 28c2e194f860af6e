#!/usr/bin/env bash
# Rehearses the service with a real PostgreSQL and a real Redis on this machine, which are stopped at the end.
# Needs postgresql and redis-server, for example from Debian: apt-get install postgresql redis-server
set -euo pipefail
cd "$(dirname "$0")"
PATH=$PATH:$(printf '%s:' /usr/lib/postgresql/*/bin)
export PGHOST=127.0.0.1 PGPORT=${PGPORT:-55432} PGUSER=postgres PGDATABASE=notes PGSSLMODE=disable PGPASSWORD=local
cache_port=${CACHE_PORT:-56379}

data=$(mktemp -d)
# PostgreSQL refuses to run as root.
as_owner=()
if [ "$(id -u)" -eq 0 ]; then chown postgres "$data"; as_owner=(setpriv --reuid=postgres --regid=postgres --clear-groups); fi
pids=()
trap 'for pid in "${pids[@]}"; do kill -INT "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done; rm -rf "$data"' EXIT

"${as_owner[@]}" initdb --pgdata "$data/postgresql" --username "$PGUSER" --auth trust >/dev/null
"${as_owner[@]}" postgres -D "$data/postgresql" -p "$PGPORT" -k "$data" -h "$PGHOST" >"$data/postgresql.log" 2>&1 &
pids+=($!)
redis-server --port "$cache_port" --bind 127.0.0.1 --save '' >"$data/redis.log" &
pids+=($!)
# By its socket, because another server may have the port: then this one ends, and nothing of the other one is touched.
for _ in {1..50}; do pg_isready --quiet --host "$data" && break; sleep 0.2; done
createdb --host "$data" "$PGDATABASE" && kill -0 "${pids[0]}" && kill -0 "${pids[1]}" || { cat "$data"/*.log; exit 1; }

npx cdk synth --quiet
node app/dist/migrate.js

values=(
  --env PGHOST="$PGHOST" --env PGUSER="$PGUSER" --env PGDATABASE="$PGDATABASE" --env PGSSLMODE="$PGSSLMODE"
  --env app:PGPORT="$PGPORT" --env app:PGPASSWORD="$PGPASSWORD" --env CACHE_URL="redis://127.0.0.1:$cache_port"
  --env DATABASE_SECRET_ARN=unused
)
# Writes and reads notes, and then replaces the tasks under load.
npx hello-fargate-service rehearse --once --quick --integ integ "${values[@]}"
npx hello-fargate-service rehearse --once "${values[@]}"
