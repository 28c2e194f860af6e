#!/bin/bash
# Runs a command with container engines at hand, and takes away afterwards what it has started:
#   engine-up.sh npx jest test/rehearsal/tasks/containers/engine.test.ts
# Installs Docker, Podman and the emulation of ARM64 from Debian or Ubuntu where they are missing and it is root, starts a
# Docker engine of its own on a socket of its own, and makes base images without any image registry. Podman gets a store of its own.
# What is found stands in the environment of the command: REHEARSE_WITH_ENGINES (docker,podman), DOCKER_HOST, CONTAINERS_*.
# With ENGINE_HOME=DIRECTORY what was made stays there for the next time.
# With --quick before the command there is Docker only, for this machine's own architecture, with Node only; an engine that runs
# already is used as it is, and needs no root. Where none can be had, that is said, and it ends well.
set -euo pipefail
export PATH=$PATH:/usr/sbin:/sbin

say() { echo "engine-up: $*" >&2; }
quick=
if [ "${1:-}" = --quick ]; then quick=yes; shift; fi
give_up() {
  if [ "$quick" ]; then printf '\nSKIPPED: the rehearsal in containers, because %s\n\n' "$*" >&2; exit 0; fi
  say "$*"; exit 1
}
up_already=
if [ "$quick" ] && docker version >/dev/null 2>&1; then up_already=yes; fi
if [ ! "$up_already" ] && [ "$(id -u)" != 0 ]; then give_up "no engine runs here, and it takes root to install and to start one"; fi

home=${ENGINE_HOME:-$(mktemp -d /tmp/engine-XXXXXX)}
mkdir -p "$home"
dockerd_pid=
own_podman=
tags=()
down() {
  # With a store of its own only: in another one are the containers of others.
  [ ! "$own_podman" ] || podman ps -aq 2>/dev/null | xargs -r podman rm -f >/dev/null 2>&1 || true
  [ ! "$up_already" ] || [ ${#tags[@]} -eq 0 ] || docker rmi --force "${tags[@]}" >/dev/null 2>&1 || true
  if [ -n "$dockerd_pid" ]; then
    kill "$dockerd_pid" 2>/dev/null || true
    for _ in $(seq 100); do kill -0 "$dockerd_pid" 2>/dev/null || break; sleep 0.1; done
  fi
  # Storage drivers leave mounts, which `rm` would follow.
  awk -v home="$home/" 'index($2, home) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r umount -l 2>/dev/null || true
  [ -n "${ENGINE_HOME:-}" ] || rm -rf "$home"
}
trap down EXIT

# ----------------------------------------------------------------------------------------------------------------------
# Programs
# ----------------------------------------------------------------------------------------------------------------------

missing=()
[ "$up_already" ] || command -v dockerd >/dev/null || missing+=(docker.io)
if [ ! "$quick" ]; then
  command -v podman >/dev/null || missing+=(podman catatonit)
  [ -e /usr/lib/binfmt.d/qemu-aarch64.conf ] || [ "$(uname -m)" = aarch64 ] || missing+=(qemu-user-static)
fi
if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get >/dev/null || give_up "${missing[*]} is not installed, and there is no apt here to do it"
  say "installing ${missing[*]}"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y "${missing[@]}"; } >&2 || give_up "${missing[*]} cannot be installed"
fi

# Registered by systemd, where that runs.
if [ ! "$quick" ] && [ "$(uname -m)" != aarch64 ] && [ ! -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ]; then
  [ -e /proc/sys/fs/binfmt_misc/register ] || mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc || true
  cat /usr/lib/binfmt.d/qemu-aarch64.conf >/proc/sys/fs/binfmt_misc/register || say "no emulation of ARM64 here"
fi

# ----------------------------------------------------------------------------------------------------------------------
# Engines
# ----------------------------------------------------------------------------------------------------------------------

if [ ! "$up_already" ]; then
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
# A machine may allow less than Podman asks for by default.
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
if docker version >/dev/null 2>&1; then engines=docker; else say "no Docker engine comes up:"; tail -5 "$home/dockerd.log" >&2; fi
if [ "$quick" ]; then :; elif podman info >/dev/null 2>"$home/podman.log"; then engines=${engines:+$engines,}podman; else say "Podman does not run:"; tail -5 "$home/podman.log" >&2; fi
if [ -z "$engines" ]; then give_up "no engine comes up"; fi

# ----------------------------------------------------------------------------------------------------------------------
# Base images: files of Debian packages and of npm's packages of Node, unpacked and never run here
# ----------------------------------------------------------------------------------------------------------------------

# debian ARCH PACKAGE…: unpacks them, with all that they depend on, into $root
debian() {
  local arch=$1 apt=$home/apt-$1; shift
  mkdir -p "$apt"/{lists/partial,cache/archives/partial,parts}
  cp /etc/apt/sources.list.d/*.sources "$apt/parts/" 2>/dev/null || cp /etc/apt/sources.list "$apt/parts/sources.list"
  local options=(-o Dir::State="$apt" -o Dir::State::lists="$apt/lists" -o Dir::State::status=/dev/null -o Dir::Cache="$apt/cache"
    -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$apt/parts" -o APT::Architecture="$arch" -o APT::Architectures="$arch"
    -o APT::Sandbox::User=root -o Debug::NoLocking=1)
  rm -f "$apt"/cache/archives/*.deb
  { apt-get "${options[@]}" -qq update && apt-get "${options[@]}" -qq -y --no-install-recommends --download-only install "$@"; } >&2 ||
    give_up "the Debian packages $* cannot be had, of which a base image is made"
  for package in "$apt"/cache/archives/*.deb; do dpkg-deb -x "$package" "$root"; done
}

# image NAME ARCH: makes $root an image in every engine
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
    say "$1 for $engine"
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
# What --quick leaves is not all that is wanted without it.
if [ ! -e "$home/images$quick" ]; then
  for arch in $architectures; do
    rm -rf "$root"; mkdir -p "$root/usr/local/bin"
    debian "$arch" libstdc++6 busybox-static
    package=node-linux-$([ "$arch" = amd64 ] && echo x64 || echo "$arch")
    (cd "$home" && npm pack --loglevel error "$package@$node" >/dev/null && tar -xzf "$package-$node.tgz" package/bin/node) ||
      give_up "$package cannot be had from npm"
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
say "$engines, with base images for $architectures"
set +e
"$@"
