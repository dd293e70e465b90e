import { type OutgoingHttpHeaders, type ServerResponse } from 'node:http';

type WriteHead = (this: ServerResponse, statusCode: number, ...rest: unknown[]) => ServerResponse;

/**
 * Has the head of a response say `Connection: close`, if that is wanted when it is written: by `writeHead()` in any of
 * its forms, or because the first bytes are written. Whatever the application has put there itself, as proxies and
 * relays do, gives way.
 *
 * @param isWanted is asked once, when the head is written
 * @param said is called when a head that says close is out
 */
export function closeWithHead(response: ServerResponse, isWanted: () => boolean, said: () => void): void {
  if (response.headersSent) return;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called on the response again
  const below = response.writeHead as WriteHead;
  const writeHead: WriteHead = function (this, statusCode, ...rest) {
    // An informational head (101 among them) is not the last word.
    if (response.headersSent || statusCode < 200 || !isWanted()) return below.call(this, statusCode, ...rest);
    const at = typeof rest[0] === 'string' ? 1 : rest[0] === undefined && rest[1] !== undefined ? 1 : 0;
    const given = rest[at];
    if (typeof given === 'object' && given !== null) rest[at] = withClose(given);
    else response.setHeader('Connection', 'close');
    const result = below.call(this, statusCode, ...rest);
    said();
    return result;
  };
  response.writeHead = writeHead;
  (response as { writeHeader?: unknown }).writeHeader = writeHead;
}

/** Headers as `writeHead()` takes them: an object, a flat list, or a list of pairs. */
function withClose(headers: object): OutgoingHttpHeaders | unknown[] {
  if (!Array.isArray(headers)) {
    const others = Object.entries(headers as OutgoingHttpHeaders).filter(([name]) => !isConnection(name));
    return { ...Object.fromEntries(others), Connection: 'close' };
  }
  const list = headers as unknown[];
  if (Array.isArray(list[0])) {
    return [...list.filter((pair) => !isConnection((pair as unknown[])[0])), ['Connection', 'close']];
  }
  const kept = list.filter((_, index) => !isConnection(list[index - (index % 2)]));
  return [...kept, 'Connection', 'close'];
}

function isConnection(name: unknown): boolean {
  return String(name).toLowerCase() === 'connection';
}
