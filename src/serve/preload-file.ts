import { chmodSync, existsSync, lstatSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The file that workers load first, and their threads when these start. It is in a folder of the group's own, for the
 * release that the group was started from may be deleted. Where others have cleared the folder, it is written again.
 *
 * @throws Error when the folder is another user's by now, who could have the workers run what they like
 */
export function preloadFile(folder: string, code: string): string {
  const path = join(folder, 'preload.cjs');
  if (!existsSync(folder)) mkdirSync(folder, 0o700);
  if (lstatSync(folder).uid !== process.getuid!()) throw new Error(`Expected ${folder} to be ours. Remove it.`);
  if (existsSync(path)) return path;
  // The command may become another user before node starts.
  chmodSync(folder, 0o711);
  // systemd-tmpfiles keeps what has the sticky bit, and so the folder.
  writeFileSync(path, code);
  chmodSync(path, 0o1644);
  return path;
}
