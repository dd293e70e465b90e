import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A unit `orders.service` of a user, in a folder of its own, and a `systemctl` that knows it. As systemd does, it starts
 * the command with the environment of the unit, and not with that of whoever asks: what has been added to the unit when
 * `systemctl` was last told to look is in it.
 */
export class StandInUnit {
  readonly env: Readonly<Record<string, string>>;
  private readonly folder = mkdtempSync(join(tmpdir(), 'drill-unit-'));
  private readonly added = join(this.folder, 'systemd/user/orders.service.d/nestjs-drain-drill.conf');
  private readonly known = join(this.folder, 'known');

  constructor(command: readonly string[]) {
    this.env = { PATH: `${this.folder}:${process.env.PATH}`, XDG_RUNTIME_DIR: this.folder };
    this.becomes('inactive');
    const path = join(this.folder, 'systemctl');
    const { folder, added, known } = this;
    writeFileSync(path, `#!${process.execPath}\n(${standIn})(${JSON.stringify({ folder, added, known, command })});\n`);
    chmodSync(path, 0o755);
  }

  becomes(state: 'active' | 'inactive'): void {
    writeFileSync(join(this.folder, 'state'), state);
  }

  /** What is added to it, as far as the service manager knows; undefined when there was never anything. */
  get addition(): string | undefined {
    return existsSync(this.known) ? readFileSync(this.known, 'utf8') : undefined;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The program `systemctl --user <order> ...`, as the text of a script. */
const standIn = `async ({ folder, added, known, command }) => {
  const { spawn } = require('node:child_process');
  const { existsSync, readFileSync, writeFileSync } = require('node:fs');
  const read = (name) => readFileSync(folder + '/' + name, 'utf8');
  switch (process.argv[3]) {
    case 'show':
      console.log('Id=orders.service\\nLoadState=loaded\\nActiveState=' + read('state'));
      console.log('Environment=NODE_ENV=production NODE_OPTIONS=--no-deprecation');
      return;
    case 'daemon-reload':
      writeFileSync(known, existsSync(added) ? readFileSync(added, 'utf8') : '');
      return;
    case 'start': {
      const lines = read('known').matchAll(/^Environment="(\\w+)=(.*)"$/gm);
      const given = [...lines].map(([, name, value]) => [name, value.replace(/\\\\(.)/g, '$1').replaceAll('%%', '%')]);
      const env = { PATH: process.env.PATH, ...Object.fromEntries(given) };
      const { pid } = spawn(command[0], command.slice(1), { env, detached: true, stdio: 'ignore' });
      writeFileSync(folder + '/pid', String(pid));
      process.exit();
    }
    case 'reload':
      return process.kill(Number(read('pid')), 'SIGHUP');
    case 'stop':
      // Its workers have its process group.
      return process.kill(-Number(read('pid')), 'SIGTERM');
  }
}`;
