import { afterEach, describe, expect, it } from '@jest/globals';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ControlSocket } from '../../../src/serve/control-socket.js';
import { bindOnly, type ListenHandle } from '../../../src/serve/insides.js';
import { removeAbandoned } from '../../../src/serve/listening-sockets.js';
import { UsageError } from '../../../src/serve/usage.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const opened: { close(): void }[] = [];
afterEach(() => {
  for (const each of opened.splice(0)) each.close();
});

/** A socket that is bound, and nobody listens on. */
function bound(...where: Parameters<typeof bindOnly>): ListenHandle {
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
