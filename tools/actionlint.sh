#!/usr/bin/env bash
# Checks the GitHub workflows, and those in examples/, with actionlint, which Go compiles from its module.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v go >/dev/null; then
  echo 'skipped: actionlint needs Go'
  exit 0
fi
go run github.com/rhysd/actionlint/cmd/actionlint@v1.7.12 "$@" .github/workflows/*.yml examples/*.yml examples/ci-cd/workflows/*.yml
