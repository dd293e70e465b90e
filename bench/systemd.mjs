/**
 * The module and `nestjs-drain serve` under a systemd of their own, which is PID 1 of its namespaces:
 * `sudo node bench/systemd.mjs [units|notify|serve|drill]… [--rolls 20]`. Writes tables for bench/process-groups.md, and
 * ends with 1 when something is not as it is promised. Build first.
 */
import { parseArgs } from 'node:util';
import { Machine, whyNot } from './systemd/machine.mjs';

const { values, positionals } = parseArgs({
  options: { rolls: { type: 'string', default: '20' } },
  allowPositionals: true,
});
const missing = whyNot();
if (missing !== undefined) {
  console.error(`bench/systemd.mjs cannot run here: ${missing}.`);
  process.exit(2);
}
const parts = positionals.length > 0 ? positionals : ['units', 'notify', 'serve', 'drill'];
for (const part of parts) {
  const machine = await Machine.start();
  const stop = () => void machine.end().then(() => process.exit(1));
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);
  try {
    const code = await machine.show('node', ['/srv/repository/bench/systemd/part.mjs', part, values.rolls]);
    if (code !== 0) process.exitCode = 1;
  } finally {
    await machine.end();
    for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, stop);
  }
}
