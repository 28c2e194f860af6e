#!/bin/bash
# Deploys integ tests to floci, an emulator of AWS, with the CDK CLI, runs their assertions there, and destroys them:
#   npx projen integ:emulator [integ.default.ts …]
# It proves that implementations of CloudFormation, ECS and load balancers that were not written here can create the
# stack, serve /health and delete the stack. It is not a deployment: an emulator accepts much that AWS rejects.
# Needs Docker on an ARM64 machine, or with emulation of ARM64. Uses the emulator at AWS_ENDPOINT_URL if one runs there.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
floci=floci/floci:1.7.0
export AWS_ENDPOINT_URL=${AWS_ENDPOINT_URL:-http://localhost:4566} AWS_REGION=us-east-1
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test CI=true
export CDK_DOCKER=${CDK_DOCKER:-$root/tools/emulator/docker}
unset AWS_PROFILE AWS_SESSION_TOKEN
case $AWS_ENDPOINT_URL in
  http://localhost:* | http://127.0.0.1:*) ;;
  *) echo "AWS_ENDPOINT_URL must be on this machine, but is $AWS_ENDPOINT_URL" >&2; exit 2 ;;
esac

container=
output=$(mktemp -d)
trap '[ -z "$container" ] || docker rm --force --volumes "$container" >/dev/null; rm -rf "$output"' EXIT
answers() { curl --silent --fail --output /dev/null --max-time 5 "$AWS_ENDPOINT_URL/_localstack/health"; }
if ! answers; then
  container=$(docker run --detach --publish 4566:4566 --volume /var/run/docker.sock:/var/run/docker.sock "$floci")
  for _ in $(seq 60); do answers && break; sleep 1; done
  answers || { docker logs "$container" >&2; exit 1; }
fi

cd "$root"
npx cdk bootstrap aws://000000000000/us-east-1 --no-notices
failed=()
for scenario in "${@:-integ.default.ts}"; do
  cdk() { npx cdk "$@" --app "npx tsx integ/$scenario" --output "$output" --no-notices; }
  mapfile -t stacks < <(cdk list | cut -d' ' -f1)
  mapfile -t services < <(printf '%s\n' "${stacks[@]}" | grep -v /DeployAssert)
  mapfile -t assertions < <(printf '%s\n' "${stacks[@]}" | grep /DeployAssert)
  # This emulator does not wait until tasks are healthy, and cannot update what it has created. Hence stack by stack.
  result=failed
  if cdk deploy --exclusively --require-approval never "${services[@]}"; then
    for _ in $(seq 6); do
      if cdk deploy --exclusively --require-approval never "${assertions[@]}"; then result=passed; break; fi
      sleep 10
    done
  fi
  cdk destroy --force --all || result=failed
  echo "$scenario: $result"
  [ "$result" = passed ] || failed+=("$scenario")
done
[ ${#failed[@]} -eq 0 ] || { echo "failed on the emulator: ${failed[*]}" >&2; exit 1; }
