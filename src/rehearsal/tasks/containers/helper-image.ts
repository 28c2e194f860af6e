import * as fs from 'node:fs';
import * as path from 'node:path';

/*
 * An image with two programs of less than 200 bytes each, built without a registry. `/pause` holds the network of a
 * task while its containers start and stop, as a container of that name does on ECS:
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking-awsvpc.html `/true` exits immediately:
 * it shows what a machine supports.
 */

interface Machine {
  /** The architecture's number in ELF: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html */
  readonly number: number;
  readonly pause: string;
  readonly true: string;
}

/** By Docker's names of architectures. The machine code is hexadecimal. */
export const MACHINES: Readonly<Record<string, Machine>> = {
  amd64: {
    number: 62,
    // mov eax, 34 (pause); syscall; jump back
    pause: 'b822000000 0f05 ebf7',
    // xor edi, edi; mov eax, 60 (exit); syscall
    true: '31ff b83c000000 0f05',
  },
  arm64: {
    number: 183,
    // x0 to x4 = 0; x8 = 73 (ppoll); svc; branch back
    pause: '000080d2 010080d2 020080d2 030080d2 040080d2 280980d2 010000d4 f9ffff17',
    // x0 = 0; x8 = 93 (exit); svc
    true: '000080d2 a80b80d2 010000d4',
  },
};

/** Writes the Dockerfile and the programs to a directory. */
export function helperImage(directory: string, machine: string): void {
  const { number, ...programs } = MACHINES[machine];
  for (const [name, code] of Object.entries(programs)) {
    const program = executable(number, Buffer.from(code.replace(/ /g, ''), 'hex'));
    fs.writeFileSync(path.join(directory, name), program, { mode: 0o755 });
  }
  fs.writeFileSync(path.join(directory, 'Dockerfile'), 'FROM scratch\nCOPY pause true /\nCMD ["/pause"]\n');
}

/** An ELF file for Linux with one segment: the whole file. */
function executable(machine: number, code: Buffer): Buffer {
  const address = 0x400000n;
  const headers = Buffer.alloc(64 + 56);
  const size = BigInt(headers.length + code.length);
  headers.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  headers.writeUInt16LE(2, 16);
  headers.writeUInt16LE(machine, 18);
  headers.writeUInt32LE(1, 20);
  headers.writeBigUInt64LE(address + BigInt(headers.length), 24);
  headers.writeBigUInt64LE(64n, 32);
  headers.writeUInt16LE(64, 52);
  headers.writeUInt16LE(56, 54);
  headers.writeUInt16LE(1, 56);
  headers.writeUInt16LE(64, 58);
  // The segment: loaded, readable and executable.
  headers.writeUInt32LE(1, 64);
  headers.writeUInt32LE(5, 68);
  headers.writeBigUInt64LE(address, 64 + 16);
  headers.writeBigUInt64LE(address, 64 + 24);
  headers.writeBigUInt64LE(size, 64 + 32);
  headers.writeBigUInt64LE(size, 64 + 40);
  headers.writeBigUInt64LE(0x10000n, 64 + 48);
  return Buffer.concat([headers, code]);
}
