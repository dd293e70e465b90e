import { fstatSync, readFileSync } from 'node:fs';
import { type AddressInfo } from 'node:net';
import { addressOf, bindOnly } from './insides.js';
import { type AskedAddress } from './protocol.js';

/** The first descriptor that is handed over, as `sd_listen_fds(3)` has it. */
const firstFd = 3;

/** A listening socket that whoever started this process has given to it, and keeps. */
export interface InheritedSocket {
  readonly fd: number;
  /** Reports whether this is what a worker asks for. */
  fits(asked: AskedAddress): boolean;
}

/**
 * The sockets that systemd, or another that speaks as it does, has given to this process.
 *
 * @see https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html
 */
export function inheritedSockets(
  { LISTEN_FDS, LISTEN_PID }: NodeJS.ProcessEnv = process.env,
  pid = process.pid,
  whereIs: (fd: number) => AddressInfo | string | undefined = addressOfFd,
): readonly InheritedSocket[] {
  if (Number(LISTEN_PID) !== pid) return [];
  return Array.from({ length: Number(LISTEN_FDS) || 0 }, (_, index) => {
    const fd = firstFd + index;
    const address = whereIs(fd);
    return {
      fd,
      fits: ({ port, path }) => (typeof address === 'string' ? address === path : address?.port === port),
    };
  });
}

/** A handle that is collected would close its descriptor. */
const kept = new Set<unknown>();

/** Where it listens. */
function addressOfFd(fd: number): AddressInfo | string | undefined {
  const path = pathOfFd(fd);
  if (path !== undefined) return path;
  const handle = bindOnly(null, 0, -1, fd);
  if (typeof handle === 'number') return undefined;
  kept.add(handle);
  return addressOf(handle);
}

/** A socket of Unix is named in `/proc/net/unix`, beside the number of its inode. */
function pathOfFd(fd: number): string | undefined {
  try {
    const { ino } = fstatSync(fd);
    const line = readFileSync('/proc/net/unix', 'utf8')
      .split('\n')
      .find((each) => each.split(/\s+/)[6] === String(ino));
    return line?.split(/\s+/)[7];
  } catch {
    return undefined;
  }
}
