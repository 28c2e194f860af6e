import { Engine } from './engine';
import { ImageFacts } from './images';
import { ContainerSpec } from '../../model';

/**
 * Capabilities of a container unless its task definition drops them:
 * https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_KernelCapabilities.html
 */
const DEFAULT_CAPABILITIES = [
  'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETPCAP', 'NET_BIND_SERVICE', 'NET_RAW',
  'SYS_CHROOT', 'MKNOD', 'AUDIT_WRITE', 'SETFCAP',
];

/** In the order of their numbers: https://github.com/torvalds/linux/blob/master/include/uapi/linux/capability.h */
const CAPABILITIES = [
  'CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETPCAP',
  'LINUX_IMMUTABLE', 'NET_BIND_SERVICE', 'NET_BROADCAST', 'NET_ADMIN', 'NET_RAW', 'IPC_LOCK', 'IPC_OWNER', 'SYS_MODULE',
  'SYS_RAWIO', 'SYS_CHROOT', 'SYS_PTRACE', 'SYS_PACCT', 'SYS_ADMIN', 'SYS_BOOT', 'SYS_NICE', 'SYS_RESOURCE', 'SYS_TIME',
  'SYS_TTY_CONFIG', 'MKNOD', 'LEASE', 'AUDIT_WRITE', 'AUDIT_CONTROL', 'SETFCAP',
];

/** The capabilities of a container, and the arguments that request them from the engine. */
export function requestCapabilities(
  spec: ContainerSpec, image: ImageFacts, engine: Engine,
): { readonly capabilities: readonly string[]; readonly args: readonly string[] } {
  const dropped = new Set(spec.droppedCapabilities);
  const kept = dropped.has('ALL') ? [] : DEFAULT_CAPABILITIES.filter((name) => !dropped.has(name));
  const requested = [...new Set([...kept, ...spec.addedCapabilities])];
  if (engine.kind === 'docker') {
    return { capabilities: requested, args: ['--cap-drop', 'ALL', ...repeat('--cap-add', requested)] };
  }

  // Podman makes capabilities that are added by name effective for other users than root too, which ECS does not.
  const defaults = engine.defaultCapabilities;
  const isRoot = /^(root|0)(:|$)/.test(spec.user ?? image.user);
  const capabilities = requested.filter((name) => isRoot || defaults.includes(name));
  return {
    capabilities,
    args: [
      ...repeat('--cap-drop', defaults.filter((name) => !requested.includes(name))),
      ...repeat('--cap-add', capabilities.filter((name) => !defaults.includes(name))),
    ],
  };
}

/** @param mask a line of /proc/PID/status, in hexadecimal */
export function readCapabilities(mask: string): string[] {
  const bits = [...BigInt(`0x${mask}`).toString(2)].reverse();
  return CAPABILITIES.filter((_, number) => bits[number] === '1');
}

function repeat(option: string, values: readonly string[]): string[] {
  return values.flatMap((value) => [option, value]);
}
