import { basename } from 'node:path';
import { usualGracePeriodMs } from 'nestjs-drain';
import { seconds, sigintParts, spell, sumOf } from '../application.js';
import { durationMs } from '../read/duration.js';
import { type Remark, type Rule } from '../rule.js';
import { startedIn } from '../start/started.js';

/** As PID 1 of a container it gets SIGTERM, and sends SIGINT to the application. */
export const pm2Runtime: Rule = {
  id: 'pm2-runtime',
  severity: 'fault',
  title: 'pm2-runtime in a container: SIGINT, and SIGKILL 1.6 s later',
  *remarks(scene): Iterable<Remark> {
    const parts = sigintParts(scene.application);
    for (const { at, on, exec, chains } of startedIn(scene)) {
      const step = chains.flat().find(({ words, kind }) => kind === 'process-manager' && isPm2(words));
      if (!step) continue;
      const { killMs, target, isForeground } = pm2Run(step.words);
      const isConfigured = /\.(json|ya?ml)$|\.config\.\w+$/.test(target ?? '');
      const isSure = !isForeground || (!isConfigured && killMs < sumOf(parts));
      const words = isConfigured || target === undefined ? ['dist/main.js'] : [target];
      yield {
        at: step.at ?? at,
        on,
        severity: isSure ? 'fault' : 'doubt',
        what: isForeground
          ? `${basename(step.words[0]!)} sends SIGINT, which no lame duck follows, and SIGKILL ` +
            `${isConfigured ? 'after kill_timeout' : `after ${seconds(killMs)}`}: a shutdown may take ${spell(parts)}.`
          : `'${step.program}' leaves the application to a daemon, which SIGTERM does not reach.`,
        fix: `Start node itself, and let the platform run several: ${exec([...step.before, 'node', ...words])}.`,
      };
    }
  },
};

function isPm2([program = '']: readonly string[]): boolean {
  return /^pm2(-runtime|-docker|-dev)?$/.test(basename(program));
}

/** What PM2 is told on its command line. */
function pm2Run([program = '', ...words]: readonly string[]): {
  killMs: number;
  target?: string;
  isForeground: boolean;
} {
  const isRuntime = basename(program) !== 'pm2';
  const valued = [
    '--kill-timeout',
    '-k',
    '-i',
    '--instances',
    '-n',
    '--name',
    '--env',
    '--only',
    '--max-memory-restart',
  ];
  const flag = words.findIndex((word) => /^(--kill-timeout|-k)(=|$)/.test(word));
  const given = flag === -1 ? undefined : (words[flag]!.split('=')[1] ?? words[flag + 1]);
  const [target] = words.filter(
    (word, at) => !word.startsWith('-') && word !== 'start' && !valued.includes(words[at - 1] ?? ''),
  );
  const killMs = given === undefined ? usualGracePeriodMs('PM2') : (durationMs(given, 1) ?? usualGracePeriodMs('PM2'));
  return { killMs, target, isForeground: isRuntime || words.includes('--no-daemon') };
}
