import { type AskedAddress } from '../protocol.js';

interface ListenOptions extends AskedAddress {
  readonly exclusive?: boolean;
  readonly signal?: AbortSignal;
}

/** A call of `listen()` that asks for a socket which can be shared. */
export interface ListenCall {
  readonly asked: AskedAddress;
  readonly signal?: AbortSignal;
  readonly callback?: () => void;
}

/**
 * Reads the arguments of `listen()`, in all of its forms. Nothing when they ask for what is the process's own: a free
 * port, a descriptor, a handle, `exclusive`. Node itself tells what is wrong with arguments that are none.
 *
 * @see https://nodejs.org/api/net.html#serverlisten
 */
export function listenCall(args: readonly unknown[]): ListenCall | undefined {
  const last = args.at(-1);
  const callback = typeof last === 'function' ? (last as () => void) : undefined;
  const [first, ...others] = args;
  const options = isOptions(first) ? first : optionsOf(first, others);
  const { port, host, path, backlog, exclusive, signal, ipv6Only, readableAll, writableAll } = options;
  if (exclusive) return undefined;
  const common = { backlog: typeof backlog === 'number' ? backlog : undefined };
  const number = portOf(port);
  if (number !== undefined) {
    const name = typeof host === 'string' && host !== '' ? host : undefined;
    return number > 0 ? { asked: { ...common, port: number, host: name, ipv6Only }, signal, callback } : undefined;
  }
  if (typeof path !== 'string' || path === '') return undefined;
  return { asked: { ...common, path, readableAll, writableAll }, signal, callback };
}

function isOptions(first: unknown): first is ListenOptions {
  return typeof first === 'object' && first !== null && ('port' in first || 'path' in first) && !('_handle' in first);
}

/** `listen(port, host?, backlog?)` and `listen(path, backlog?)`. */
function optionsOf(first: unknown, others: readonly unknown[]): ListenOptions {
  const host = others.find((each) => typeof each === 'string');
  const backlog = others.find((each) => typeof each === 'number');
  if (portOf(first) !== undefined) return { port: portOf(first), host, backlog };
  return typeof first === 'string' ? { path: first, backlog } : {};
}

/** Ports come as text, too: out of the environment. */
function portOf(value: unknown): number | undefined {
  if (typeof value !== 'number' && (typeof value !== 'string' || value.trim() === '')) return undefined;
  const port = Number(value);
  return Number.isInteger(port) && port >= 0 && port < 65_536 ? port : undefined;
}
