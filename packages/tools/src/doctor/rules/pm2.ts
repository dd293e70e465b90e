import { usualGracePeriodMs } from 'nestjs-drain';
import { seconds, sigintParts, spell, sumOf } from '../application.js';
import { type ObjectName } from '../finding.js';
import { durationMs } from '../read/duration.js';
import { type Pm2App } from '../read/ecosystem.js';
import { type Remark, type Rule } from '../rule.js';
import { type Scene } from '../scene.js';
import { chainsOf } from '../start/chain.js';
import { habitatOf } from '../start/habitat.js';
import { instead } from '../start/instead.js';
import { commandWords } from '../start/lines.js';
import { isInTheWay } from '../start/started.js';
import { pm2Runtime } from './pm2-runtime.js';

/** PM2's own, ms. */
const defaultKillTimeoutMs = usualGracePeriodMs('PM2');
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
      const killMs = given === undefined ? defaultKillTimeoutMs : durationMs(given, 1);
      if (killMs === undefined || killMs >= sumOf(parts)) continue;
      yield {
        at: app.placeOf('kill_timeout'),
        on: nameOf(app),
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
      const listenMs = given === undefined ? defaultListenTimeoutMs : durationMs(given, 1);
      const waitsForWord = app.get('wait_ready') === 'true';
      if (!isCluster(app) && !waitsForWord) continue;
      if (listenMs === undefined || listenMs > defaultListenTimeoutMs) continue;
      const awaited = waitsForWord ? "process.send('ready')" : 'the listener';
      yield {
        at: app.placeOf('listen_timeout'),
        on: nameOf(app),
        what:
          `PM2 waits for ${awaited} for ` +
          `${seconds(listenMs)}${given === undefined ? ', its default' : ''}, and then stops the old ` +
          'process whether the new one serves or not: it does not roll back.',
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
      if (isCluster(app) || wrapperOf(app, scene)) continue;
      yield {
        at: app.placeOf('exec_mode'),
        on: nameOf(app),
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
      const wrapper = wrapperOf(app, scene);
      if (!wrapper || isSignalledAlone(app)) continue;
      yield {
        at: app.placeOf('script'),
        on: nameOf(app),
        severity: wrapper.isSure ? 'fault' : 'doubt',
        what: `PM2 runs '${wrapper.line}' and watches it alone: the application below it is not waited for.`,
        fix: `Run the file itself: script: '${wrapper.file}'${app.get('args') === undefined ? '' : ', without args'}.`,
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
      const wrapper = wrapperOf(app, scene);
      if (!wrapper || !isSignalledAlone(app)) continue;
      yield {
        at: app.placeOf('treekill'),
        on: nameOf(app),
        severity: wrapper.isSure ? 'fault' : 'doubt',
        what:
          `treekill: false sends the signal to '${wrapper.line}' alone: the application below it ` +
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
        on: nameOf(app),
        what:
          "shutdown_with_message sends a message instead of a signal: Nest's shutdown hooks never hear of it, " +
          'unless nestjs-drain, which takes the message for SIGINT, is in the application.',
        fix: 'Remove shutdown_with_message.',
      };
    }
  },
};

export const pm2Restart: Rule = {
  id: 'pm2-restart',
  severity: 'doubt',
  title: 'pm2 deploy that restarts, which stops all at once',
  *remarks({ ecosystems }): Iterable<Remark> {
    for (const { name, command, at } of ecosystems.flatMap(({ hooks }) => hooks)) {
      const [, verb] = /\bpm2\s+(?:-\S+\s+)*(restart|startOrRestart|stop|delete|kill)\b/.exec(command) ?? [];
      if (verb === undefined) continue;
      yield {
        at,
        what: `${name} runs pm2 ${verb}, which stops every process before it starts one: nobody serves meanwhile.`,
        fix: `Let it run pm2 ${verb === 'startOrRestart' ? 'startOrReload' : 'reload'} instead.`,
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
        what: `What it exports cannot be told, for here it is loaded alone, and may only read: ${unreadable.why}.`,
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
  pm2Restart,
  pm2Runtime,
  pm2Unreadable,
];

/** Those that run something of node's. */
function appsOf({ ecosystems }: Scene): readonly Pm2App[] {
  return ecosystems.flatMap(({ apps }) => apps.filter((app) => app.get('script') !== undefined && isNode(app)));
}

function isNode(app: Pm2App): boolean {
  const interpreter = app.get('interpreter') ?? app.get('exec_interpreter');
  // PM2 takes the interpreter that goes with the end of the name.
  if (interpreter === undefined && /\.(py|rb|php|pl|coffee|ls|jar|exe)$/.test(app.get('script') ?? '')) return false;
  return interpreter === undefined || /node|^none$|^$|sh$/.test(interpreter);
}

/** `instances` alone makes a cluster, too. */
function isCluster(app: Pm2App): boolean {
  const mode = app.get('exec_mode');
  return mode === undefined ? app.get('instances') !== undefined : mode.startsWith('cluster');
}

/** What stands between PM2 and node, and whether that is sure. */
function wrapperOf(app: Pm2App, scene: Scene): Wrapper | undefined {
  const line = `${app.get('script')} ${app.get('args') ?? ''}`.trim();
  const chains = chainsOf(commandWords(line), habitatOf(undefined, scene));
  const steps = chains.flat().filter(isInTheWay);
  const chain = chains.find((each) => each.some(isInTheWay));
  if (!chain) return undefined;
  const file = instead(chain, steps[0]!).find((word) => /\.[cm]?[jt]s$|^\.?\/?(dist|build|apps)\//.test(word));
  return {
    line,
    isSure: steps.some(({ passing }) => passing !== 'unknown'),
    // PM2 looks for the file itself, and so without an end it finds none.
    file: file === undefined ? 'dist/main.js' : file.replace(/(?<!\.[cm]?[jt]s)$/, '.js'),
  };
}

interface Wrapper {
  readonly line: string;
  readonly isSure: boolean;
  /** What it comes to, as far as it is known. */
  readonly file: string;
}

function nameOf(app: Pm2App): ObjectName {
  return { kind: 'PM2 application', name: app.get('name') ?? app.get('script') ?? '(unnamed)' };
}

/** By default PM2 signals the children, too. */
function isSignalledAlone(app: Pm2App): boolean {
  return app.get('treekill') === 'false';
}
