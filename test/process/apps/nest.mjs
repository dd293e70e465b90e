/**
 * Restarts a process as `nest start --watch` does: `node nest.mjs start --watch <entry>`. It starts it through a shell,
 * sends SIGTERM to both on a save, and starts the next one when the shell has ended. A save is a line on stdin.
 *
 * @see https://github.com/nestjs/nest-cli/blob/master/actions/start.action.ts
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const entry = process.argv.at(-1);
// A command behind it keeps the shell from replacing itself with node.
const command = `${process.execPath} --enable-source-maps ${entry}; exit $?`;
const start = () => spawn(command, { stdio: 'inherit', shell: true });
let child = start();

function killTree({ pid }) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  for (const each of [...children.filter(Boolean), pid]) process.kill(Number(each), 'SIGTERM');
}

createInterface({ input: process.stdin }).on('line', (line) => {
  child.removeAllListeners('exit');
  if (line !== 'end') child.on('exit', () => (child = start()));
  killTree(child);
  if (line === 'end') process.exit();
});
