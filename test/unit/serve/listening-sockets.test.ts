import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { ControlSocket } from '../../../src/serve/control-socket.js';
import { addressOf, bindOnly, type ListenHandle } from '../../../src/serve/insides.js';
import { ListeningSockets, removeAbandoned } from '../../../src/serve/listening-sockets.js';
import { UsageError } from '../../../src/serve/usage.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const opened: { close(): void }[] = [];
afterEach(() => {
  for (const each of opened.splice(0)) each.close();
});

/** A socket that is bound, and nobody listens on. */
function bound(...where: Parameters<typeof bindOnly>): ListenHandle & { readonly fd?: number } {
  const handle = bindOnly(...where) as ListenHandle;
  opened.push(handle);
  return handle;
}

const open = (path: string) => ControlSocket.open(path, () => Promise.reject(new Error('Expected no order.')));

describe('A path to listen on', () => {
  it.each<[string, (path: string) => void]>([
    ['file', (path) => writeFileSync(path, 'kept')],
    ['folder', (path) => mkdirSync(path)],
  ])('that is a %s is refused, and left alone', async (_, make) => {
    const path = join(temporaryFolder(), 'orders');
    make(path);
    const before = statSync(path);
    await expect(open(path)).rejects.toThrow(UsageError);
    expect(statSync(path).ino).toBe(before.ino);
  });

  it('is taken over from a process that was killed', async () => {
    const path = join(temporaryFolder(), 'orders');
    bound(path, -1, -1);
    opened.push(await open(path));
  });

  it('may be one that is in no folder', async () => {
    await removeAbandoned('\0nobody listens here');
  });
});

describe('A socket that another process has given', () => {
  it.each(['round-robin', 'shared'] as const)('is there again when it is asked for again (%s)', async (balance) => {
    const handle = bound('127.0.0.1', 0, 4);
    const { port } = addressOf(handle);
    const sockets = new ListeningSockets(balance, [{ fd: handle.fd!, fits: () => true }]);
    const asked = { port };
    const { balancing } = await sockets.bind(asked);
    await sockets.keepOnly(new Set());
    const again = await sockets.bind(asked);
    expect(again.balancing).toBe(balancing);
    expect(again.address).toMatchObject({ port });
    await sockets.closeAll();
    opened.pop()!.close();
    const [{ code }] = (await once(connect(port, '127.0.0.1'), 'error')) as [NodeJS.ErrnoException];
    expect(code).toBe('ECONNREFUSED');
  });
});
