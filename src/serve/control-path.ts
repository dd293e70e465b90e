import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * Where a group is spoken to. Unless it is named, it is found by the folder that the group was started in, as whoever
 * went there calls it: a deployment may move the links in its path.
 */
export function controlPath(
  named: string | undefined,
  folder: string,
  { NESTJS_DRAIN_CONTROL, XDG_RUNTIME_DIR }: NodeJS.ProcessEnv = process.env,
): string {
  const given = named ?? NESTJS_DRAIN_CONTROL;
  if (given !== undefined) return resolve(given);
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 16);
  return join(XDG_RUNTIME_DIR ?? tmpdir(), `nestjs-drain-${process.getuid?.() ?? 0}-${name}.sock`);
}
