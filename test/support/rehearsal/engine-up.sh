#!/bin/bash
# Starts container engines, runs a command with them, and stops them:
#   engine-up.sh npx jest test/rehearsal/tasks/containers/engine.test.ts
# As root, it installs Docker, Podman and the emulation of ARM64 from Debian or Ubuntu if they are missing. It starts a
# separate Docker engine on its own socket, gives Podman its own store, and builds base images without an image registry.
# The command gets the environment variables REHEARSE_WITH_ENGINES (docker,podman), DOCKER_HOST and CONTAINERS_*.
# With ENGINE_HOME=DIRECTORY, images are kept in that directory for the next run.
# With --quick before the command, it uses only Docker, the native architecture and Node.js. It uses a running engine,
# which does not require root. If no engine is available, it prints the reason and exits with 0.
set -euo pipefail
export PATH=$PATH:/usr/sbin:/sbin

log() { echo "engine-up: $*" >&2; }
quick=
if [ "${1:-}" = --quick ]; then quick=yes; shift; fi
fail_or_skip() {
  if [ "$quick" ]; then printf '\nSKIPPED: the rehearsal in containers, because %s\n\n' "$*" >&2; exit 0; fi
  log "$*"; exit 1
}
running_engine=
if [ "$quick" ] && docker version >/dev/null 2>&1; then running_engine=yes; fi
if [ ! "$running_engine" ] && [ "$(id -u)" != 0 ]; then
  fail_or_skip "no engine is running, and only root can install and start one"
fi

home=${ENGINE_HOME:-$(mktemp -d /tmp/engine-XXXXXX)}
mkdir -p "$home"
dockerd_pid=
own_podman=
tags=()
down() {
  # Only in the separate store: another store has other containers.
  [ ! "$own_podman" ] || podman ps -aq 2>/dev/null | xargs -r podman rm -f >/dev/null 2>&1 || true
  [ ! "$running_engine" ] || [ ${#tags[@]} -eq 0 ] || docker rmi --force "${tags[@]}" >/dev/null 2>&1 || true
  if [ -n "$dockerd_pid" ]; then
    kill "$dockerd_pid" 2>/dev/null || true
    for _ in $(seq 100); do kill -0 "$dockerd_pid" 2>/dev/null || break; sleep 0.1; done
  fi
  # Storage drivers leave mounts, whose files `rm` would delete.
  awk -v home="$home/" 'index($2, home) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r umount -l 2>/dev/null || true
  [ -n "${ENGINE_HOME:-}" ] || rm -rf "$home"
}
trap down EXIT

# ----------------------------------------------------------------------------------------------------------------------
# Programs
# ----------------------------------------------------------------------------------------------------------------------

missing=()
[ "$running_engine" ] || command -v dockerd >/dev/null || missing+=(docker.io)
if [ ! "$quick" ]; then
  command -v podman >/dev/null || missing+=(podman catatonit)
  [ -e /usr/lib/binfmt.d/qemu-aarch64.conf ] || [ "$(uname -m)" = aarch64 ] || missing+=(qemu-user-static)
fi
if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get >/dev/null || fail_or_skip "${missing[*]} is not installed, and this system has no apt to install it"
  log "installing ${missing[*]}"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y "${missing[@]}"; } >&2 ||
    fail_or_skip "${missing[*]} cannot be installed"
fi

# systemd registers the emulation where it runs.
if [ ! "$quick" ] && [ "$(uname -m)" != aarch64 ] && [ ! -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ]; then
  [ -e /proc/sys/fs/binfmt_misc/register ] || mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc || true
  cat /usr/lib/binfmt.d/qemu-aarch64.conf >/proc/sys/fs/binfmt_misc/register || log "ARM64 cannot be emulated"
fi

# ----------------------------------------------------------------------------------------------------------------------
# Engines
# ----------------------------------------------------------------------------------------------------------------------

if [ ! "$running_engine" ]; then
  export DOCKER_HOST=unix://$home/docker.sock
  dockerd --data-root "$home/docker" --exec-root "$home/docker-run" --host "$DOCKER_HOST" --pidfile "$home/dockerd.pid" \
    --bip 172.31.250.1/24 >"$home/dockerd.log" 2>&1 &
  dockerd_pid=$!
fi

cat >"$home/storage.conf" <<CONF
[storage]
driver = "overlay"
graphroot = "$home/podman"
runroot = "$home/podman-run"
CONF
cat >"$home/containers.conf" <<CONF
[containers]
# Some machines allow less than Podman requests by default.
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "$(command -v runc >/dev/null && echo runc || echo crun)"
CONF
export CONTAINERS_STORAGE_CONF=$home/storage.conf CONTAINERS_CONF=$home/containers.conf
own_podman=$(command -v podman || true)

engines=
for _ in $(seq 100); do
  docker version >/dev/null 2>&1 && break
  [ ! "$dockerd_pid" ] || kill -0 "$dockerd_pid" 2>/dev/null || break
  sleep 0.2
done
if docker version >/dev/null 2>&1; then
  engines=docker
else
  log "the Docker engine does not start:"
  tail -5 "$home/dockerd.log" >&2
fi
if [ ! "$quick" ]; then
  if podman info >/dev/null 2>"$home/podman.log"; then
    engines=${engines:+$engines,}podman
  else
    log "Podman does not start:"
    tail -5 "$home/podman.log" >&2
  fi
fi
if [ -z "$engines" ]; then fail_or_skip "no engine starts"; fi

# ----------------------------------------------------------------------------------------------------------------------
# Base images: unpacked files of Debian packages and of npm's Node.js packages
# ----------------------------------------------------------------------------------------------------------------------

# debian ARCH PACKAGE…: unpacks packages and their dependencies into $root
debian() {
  local arch=$1 apt=$home/apt-$1; shift
  mkdir -p "$apt"/{lists/partial,cache/archives/partial,parts}
  cp /etc/apt/sources.list.d/*.sources "$apt/parts/" 2>/dev/null || cp /etc/apt/sources.list "$apt/parts/sources.list"
  local options=(-o Dir::State="$apt" -o Dir::State::lists="$apt/lists" -o Dir::State::status=/dev/null -o Dir::Cache="$apt/cache"
    -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$apt/parts" -o APT::Architecture="$arch" -o APT::Architectures="$arch"
    -o APT::Sandbox::User=root -o Debug::NoLocking=1)
  rm -f "$apt"/cache/archives/*.deb
  { apt-get "${options[@]}" -qq update && apt-get "${options[@]}" -qq -y --no-install-recommends --download-only install "$@"; } >&2 ||
    fail_or_skip "the Debian packages $* for a base image cannot be downloaded"
  for package in "$apt"/cache/archives/*.deb; do dpkg-deb -x "$package" "$root"; done
}

# image NAME ARCH: builds an image from $root in every engine
image() {
  mkdir -p "$root"/{tmp,proc,sys,dev,etc,app}
  chmod 1777 "$root/tmp"
  printf 'root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000:node:/:/bin/sh\n' >"$root/etc/passwd"
  printf 'root:x:0:\nnode:x:1000:\n' >"$root/etc/group"
  rm -rf "$root"/usr/share/{doc,locale,man,lintian}
  local context=$home/context
  rm -rf "$context"; mkdir "$context"
  tar -C "$root" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$context/root.tar" .
  printf 'FROM scratch\nADD root.tar /\nENV PATH=/usr/local/bin:/usr/bin:/bin\n' >"$context/Dockerfile"
  for engine in ${engines//,/ }; do
    log "$1 for $engine"
    "$engine" build --quiet --platform "linux/$2" --tag "$1" "$context" >"$home/build.log" 2>&1 || { cat "$home/build.log" >&2; exit 1; }
  done
  tags+=("$1")
  rm -rf "$root" "$context"
}

root=$home/root
host=$(dpkg --print-architecture)
node=24.21.0
architectures=$host
[ "$quick" ] || [ "$host" != amd64 ] || [ ! -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ] || architectures="$host arm64"
# A run without --quick needs more images.
if [ ! -e "$home/images$quick" ]; then
  for arch in $architectures; do
    rm -rf "$root"; mkdir -p "$root/usr/local/bin"
    debian "$arch" libstdc++6 busybox-static
    package=node-linux-$([ "$arch" = amd64 ] && echo x64 || echo "$arch")
    (cd "$home" && npm pack --loglevel error "$package@$node" >/dev/null && tar -xzf "$package-$node.tgz" package/bin/node) ||
      fail_or_skip "$package cannot be downloaded from npm"
    install -m 755 "$home/package/bin/node" "$root/usr/local/bin/node"
    rm -rf "$home/package" "$home/$package-$node.tgz"
    for applet in sh cat id sleep touch; do ln -sf busybox "$root/bin/$applet"; done
    image "hello-fargate-test/node:$arch" "$arch"
  done
  if [ ! "$quick" ]; then
    rm -rf "$root"; mkdir -p "$root"
    debian "$host" gunicorn
    image "hello-fargate-test/python:$host" "$host"
  fi
  touch "$home/images$quick"
fi

export REHEARSE_WITH_ENGINES=$engines
log "$engines, with base images for $architectures"
set +e
"$@"
