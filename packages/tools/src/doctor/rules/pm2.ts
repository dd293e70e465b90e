import { seconds, sigintParts, spell, sumOf } from '../application.js';
import { type Pm2App } from '../read/ecosystem.js';
import { type Remark, type Rule } from '../rule.js';
import { type Scene } from '../scene.js';
import { troublesOf, wordsOf } from '../start-command.js';

/** PM2's own, ms. */
const defaultKillTimeoutMs = 1_600;
const defaultListenTimeoutMs = 3_000;

/** PM2 sends SIGINT, so that a lame duck counts only when the options ask for one. */
export const pm2KillTimeout: Rule = {
  id: 'pm2-kill-timeout',
  severity: 'fault',
  title: 'PM2 kill_timeout under the drain',
  *remarks(scene): Iterable<Remark> {
    const parts = sigintParts(scene.application);
    for (const app of appsOf(scene)) {
      const given = app.get('kill_timeout');
      const killMs = given === undefined ? defaultKillTimeoutMs : msOf(given);
      if (killMs === undefined || killMs >= sumOf(parts)) continue;
      yield {
        at: app.placeOf('kill_timeout'),
        what:
          `A shutdown may take ${spell(parts)}, and PM2 sends SIGKILL after ` +
          `${seconds(killMs)}${given === undefined ? ', its default' : ''}: what is in flight then is ` +
          'lost.',
        fix: `Set kill_timeout: ${sumOf(parts)}, or shorten the parts.`,
      };
    }
  },
};

export const pm2ListenTimeout: Rule = {
  id: 'pm2-listen-timeout',
  severity: 'doubt',
  title: 'PM2 listen_timeout that a slow start outlasts',
  *remarks(scene): Iterable<Remark> {
    for (const app of appsOf(scene)) {
      const given = app.get('listen_timeout');
      const listenMs = given === undefined ? defaultListenTimeoutMs : msOf(given);
      const waitsForWord = app.get('wait_ready') === 'true';
      if (!isCluster(app) && !waitsForWord) continue;
      if (listenMs === undefined || listenMs > defaultListenTimeoutMs) continue;
      const awaited = waitsForWord ? "process.send('ready')" : 'the listener';
      yield {
        at: app.placeOf('listen_timeout'),
        what:
          `PM2 waits for ${awaited} for ` +
          `${seconds(listenMs)}${given === undefined ? ', its default' : ''}, and then stops the old ` +
          'process whether the new one serves or not.',
        fix: `Set listen_timeout: 10000${waitsForWord ? ", and call process.send?.('ready') after app.listen()" : ''}.`,
      };
    }
  },
};

export const pm2Fork: Rule = {
  id: 'pm2-fork',
  severity: 'doubt',
  title: 'PM2 in fork mode, which stops before it starts',
  *remarks(scene): Iterable<Remark> {
    for (const app of appsOf(scene)) {
      if (isCluster(app) || wrapperOf(app)) continue;
      yield {
        at: app.placeOf('exec_mode'),
        what: 'In fork mode PM2 stops the old process before it starts the new one: nobody serves during a reload.',
        fix: "Set exec_mode: 'cluster' and instances: 2, and deploy with pm2 reload.",
      };
    }
  },
};

export const pm2Npm: Rule = {
  id: 'pm2-npm',
  severity: 'fault',
  title: 'PM2 that runs npm, a shell or a development runner instead of node',
  *remarks(scene): Iterable<Remark> {
    for (const app of appsOf(scene)) {
      const wrapper = wrapperOf(app);
      if (!wrapper || isSignalledAlone(app)) continue;
      yield {
        at: app.placeOf('script'),
        what: `PM2 runs '${wrapper}' and watches it alone: the application below it is not waited for.`,
        fix: "Run the file itself: script: 'dist/main.js'.",
      };
    }
  },
};

export const pm2Treekill: Rule = {
  id: 'pm2-treekill',
  severity: 'fault',
  title: 'PM2 treekill: false with something between PM2 and node',
  *remarks(scene): Iterable<Remark> {
    for (const app of appsOf(scene)) {
      if (!wrapperOf(app) || !isSignalledAlone(app)) continue;
      yield {
        at: app.placeOf('treekill'),
        what:
          `treekill: false sends the signal to '${wrapperOf(app)}' alone: the application below it ` +
          'never hears of a shutdown.',
        fix: "Run the file itself (script: 'dist/main.js'), or remove treekill.",
      };
    }
  },
};

export const pm2Message: Rule = {
  id: 'pm2-message',
  severity: 'fault',
  title: 'PM2 shutdown_with_message, which sends no signal',
  *remarks(scene): Iterable<Remark> {
    for (const app of appsOf(scene)) {
      if (app.get('shutdown_with_message') !== 'true') continue;
      yield {
        at: app.placeOf('shutdown_with_message'),
        what: "shutdown_with_message sends a message instead of a signal: Nest's shutdown hooks never hear of it.",
        fix: 'Remove it.',
      };
    }
  },
};

export const pm2Unreadable: Rule = {
  id: 'pm2-unreadable',
  severity: 'doubt',
  title: 'a PM2 configuration that needs more than itself, and so was not read',
  *remarks({ ecosystems }): Iterable<Remark> {
    for (const { unreadable } of ecosystems) {
      if (!unreadable) continue;
      yield {
        at: unreadable.at,
        what:
          'What it exports cannot be told, for it is run without require and without this process: ' +
          `${unreadable.why}.`,
        fix: 'See yourself that kill_timeout is longer than the drain, or give the configuration as JSON.',
      };
    }
  },
};

export const pm2Rules: readonly Rule[] = [
  pm2KillTimeout,
  pm2ListenTimeout,
  pm2Fork,
  pm2Npm,
  pm2Treekill,
  pm2Message,
  pm2Unreadable,
];

/** Those that run something of node's. */
function appsOf({ ecosystems }: Scene): readonly Pm2App[] {
  return ecosystems.flatMap(({ apps }) => apps.filter((app) => app.get('script') !== undefined && isNode(app)));
}

function isNode(app: Pm2App): boolean {
  const interpreter = app.get('interpreter') ?? app.get('exec_interpreter');
  return interpreter === undefined || /node|^none$|^$|sh$/.test(interpreter);
}

/** `instances` alone makes a cluster, too. */
function isCluster(app: Pm2App): boolean {
  const mode = app.get('exec_mode');
  return mode === undefined ? app.get('instances') !== undefined : mode.startsWith('cluster');
}

/** What stands between PM2 and node. */
function wrapperOf(app: Pm2App): string | undefined {
  const line = `${app.get('script')} ${app.get('args') ?? ''}`.trim();
  return troublesOf(wordsOf(line)).length > 0 ? line : undefined;
}

/** By default PM2 signals the children, too. */
function isSignalledAlone(app: Pm2App): boolean {
  return app.get('treekill') === 'false';
}

/** PM2 takes a number of milliseconds, or `10s`. */
function msOf(text: string): number | undefined {
  const [, digits, unit] = /^(\d+)\s*(ms|s|m)?$/.exec(text.trim()) ?? [];
  if (digits === undefined) return undefined;
  return Number(digits) * (unit === 's' ? 1_000 : unit === 'm' ? 60_000 : 1);
}
