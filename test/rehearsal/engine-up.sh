#!/bin/bash
# Runs a command with container engines at hand, and takes away afterwards what it has started:
#   engine-up.sh npx jest test/rehearsal/engine.test.ts
# Installs Docker, Podman and the emulation of ARM64 from Debian or Ubuntu where they are missing and it is root, starts a
# Docker engine of its own on a socket of its own, and makes base images without any image registry. Podman gets a store of its own.
# What is found stands in the environment of the command: REHEARSE_WITH_ENGINES (docker,podman), DOCKER_HOST, CONTAINERS_*.
# With ENGINE_HOME=DIRECTORY what was made stays there for the next time.
set -euo pipefail
export PATH=$PATH:/usr/sbin:/sbin

say() { echo "engine-up: $*" >&2; }
if [ "$(id -u)" != 0 ]; then say "needs root, to install and to start engines"; exit 1; fi

home=${ENGINE_HOME:-$(mktemp -d /tmp/engine-XXXXXX)}
mkdir -p "$home"
dockerd_pid=
down() {
  # By the name of its own directory, as another engine may have another podman.
  podman ps -aq 2>/dev/null | xargs -r podman rm -f >/dev/null 2>&1 || true
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
command -v dockerd >/dev/null || missing+=(docker.io)
command -v podman >/dev/null || missing+=(podman catatonit)
[ -e /usr/lib/binfmt.d/qemu-aarch64.conf ] || [ "$(uname -m)" = aarch64 ] || missing+=(qemu-user-static)
if [ ${#missing[@]} -gt 0 ]; then
  if ! command -v apt-get >/dev/null; then say "install ${missing[*]}: there is no apt here to do it"; exit 1; fi
  say "installing ${missing[*]}"
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y "${missing[@]}" >&2
fi

# Registered by systemd, where that runs.
if [ "$(uname -m)" != aarch64 ] && [ ! -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ]; then
  [ -e /proc/sys/fs/binfmt_misc/register ] || mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc || true
  cat /usr/lib/binfmt.d/qemu-aarch64.conf >/proc/sys/fs/binfmt_misc/register || say "no emulation of ARM64 here"
fi

# ----------------------------------------------------------------------------------------------------------------------
# Engines
# ----------------------------------------------------------------------------------------------------------------------

export DOCKER_HOST=unix://$home/docker.sock
dockerd --data-root "$home/docker" --exec-root "$home/docker-run" --host "$DOCKER_HOST" --pidfile "$home/dockerd.pid" \
  --bip 172.31.250.1/24 >"$home/dockerd.log" 2>&1 &
dockerd_pid=$!

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

engines=
for _ in $(seq 100); do docker version >/dev/null 2>&1 && break; sleep 0.2; done
if docker version >/dev/null 2>&1; then engines=docker; else say "no Docker engine comes up:"; tail -5 "$home/dockerd.log" >&2; fi
if podman info >/dev/null 2>"$home/podman.log"; then engines=${engines:+$engines,}podman; else say "Podman does not run:"; tail -5 "$home/podman.log" >&2; fi
if [ -z "$engines" ]; then exit 1; fi

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
  apt-get "${options[@]}" -qq update >&2
  apt-get "${options[@]}" -qq -y --no-install-recommends --download-only install "$@" >&2
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
  tar -C "$root" --sort=name --mtime=@0 --numeric-owner -cf "$context/root.tar" .
  printf 'FROM scratch\nADD root.tar /\nENV PATH=/usr/local/bin:/usr/bin:/bin\n' >"$context/Dockerfile"
  for engine in ${engines//,/ }; do
    say "$1 for $engine"
    "$engine" build --quiet --platform "linux/$2" --tag "$1" "$context" >"$home/build.log" 2>&1 || { cat "$home/build.log" >&2; exit 1; }
  done
  rm -rf "$root" "$context"
}

root=$home/root
host=$(dpkg --print-architecture)
node=24.21.0
architectures=$host
[ "$host" != amd64 ] || [ ! -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ] || architectures="$host arm64"
if [ ! -e "$home/images" ]; then
  for arch in $architectures; do
    rm -rf "$root"; mkdir -p "$root/usr/local/bin"
    debian "$arch" libstdc++6 busybox-static
    package=node-linux-$([ "$arch" = amd64 ] && echo x64 || echo "$arch")
    (cd "$home" && npm pack --loglevel error "$package@$node" >/dev/null && tar -xzf "$package-$node.tgz" package/bin/node)
    install -m 755 "$home/package/bin/node" "$root/usr/local/bin/node"
    rm -rf "$home/package" "$home/$package-$node.tgz"
    for applet in sh cat id sleep touch; do ln -sf busybox "$root/bin/$applet"; done
    image "hello-fargate-test/node:$arch" "$arch"
  done
  rm -rf "$root"; mkdir -p "$root"
  debian "$host" gunicorn
  image "hello-fargate-test/python:$host" "$host"
  touch "$home/images"
fi

export REHEARSE_WITH_ENGINES=$engines
say "$engines, with base images for $architectures"
set +e
"$@"
