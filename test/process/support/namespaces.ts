import { spawnSync } from 'node:child_process';

/** Why no process can be made PID 1 here; nothing when one can. */
export function whyNoPid1(): string | undefined {
  const { error, status, stderr } = spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'true'], {
    encoding: 'utf8',
  });
  if (error) return error.message;
  return status === 0 ? undefined : stderr.trim();
}
