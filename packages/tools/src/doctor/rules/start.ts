import { type Remark, type Rule } from '../rule.js';
import { type Scene } from '../scene.js';
import { instead, orExec, whichFile } from '../start/instead.js';
import { isOfPackage, type Started, startedIn, troublesIn } from '../start/started.js';
import { type Chain, type Step, type StepKind, usualStart } from '../start/step.js';
import { startScript } from './start-script.js';
import { stopSignal } from './stop-signal.js';

export const npmAsPid1: Rule = {
  id: 'npm-as-pid-1',
  severity: 'fault',
  title: 'npm, npx, yarn or pnpm in front of node, which does not pass SIGTERM on',
  *remarks(scene): Iterable<Remark> {
    const said = new Set<Started>();
    for (const { started, step, chain, isSure } of troubles(scene, 'package-manager')) {
      if (said.has(started)) continue;
      said.add(started);
      const { at, exec } = spotOf(scene, started, step);
      const why = step.why ?? 'it does not pass SIGTERM on';
      yield {
        at,
        on: started.on,
        severity: isSure ? 'fault' : 'doubt',
        what: `'${step.program}' is started instead of node: ${why}${isSure ? ', and what is in flight is lost' : ''}.`,
        fix: `Start node itself${whichFile(chain, step)}: ${exec(instead(chain, step))}.`,
      };
    }
  },
};

export const shellAsPid1: Rule = {
  id: 'shell-as-pid-1',
  severity: 'fault',
  title: 'a shell in front of node (sh -c without exec)',
  *remarks(scene): Iterable<Remark> {
    for (const { started, step, chain, isSure } of troubles(scene, 'shell')) {
      if (started.shellForm !== undefined || isOfPackage(scene.packages, step)) continue;
      yield {
        at: started.at,
        on: started.on,
        severity: isSure ? 'fault' : 'doubt',
        what: `'${step.program}' ${stays(step, isSure)}.`,
        fix: `Start node itself${whichFile(chain, step)}: ${started.exec(instead(chain, step))}${orExec(step)}.`,
      };
    }
  },
};

export const shellForm: Rule = {
  id: 'shell-form',
  severity: 'fault',
  title: 'a shell-form CMD or ENTRYPOINT whose shell stays in front of node',
  *remarks(scene): Iterable<Remark> {
    for (const { started, step, chain, isSure } of troubles(scene, 'shell')) {
      if (started.shellForm === undefined || isMeantAsExec(started) || isOfPackage(scene.packages, step)) continue;
      yield {
        at: started.at,
        on: started.on,
        severity: isSure ? 'fault' : 'doubt',
        what: `The shell form starts a shell: '${step.program}' ${stays(step, isSure)}.`,
        fix: `Write the exec form, in double quotes${whichFile(chain, step)}: ${started.exec(instead(chain, step))}${orExec(step)}.`,
      };
    }
    for (const started of startedIn(scene).filter(isMeantAsExec)) {
      yield {
        at: started.at,
        on: started.on,
        what: 'This is no JSON, so that Docker runs it as a line of a shell, not as an exec form.',
        fix: `Write the exec form, in double quotes: ${started.exec(wordsMeant(started.shellForm!))}.`,
      };
    }
  },
};

/** `['node', 'main.js']` is a list to people alone. */
function isMeantAsExec({ shellForm }: Started): boolean {
  return shellForm?.startsWith('[') === true;
}

function wordsMeant(list: string): readonly string[] {
  const words = [...list.matchAll(/["'“”‘’]([^"'“”‘’]+)["'“”‘’]/g)].map(([, word]) => word!);
  return words.length > 0 ? words : usualStart;
}

export const developmentRunner: Rule = {
  id: 'development-runner',
  severity: 'fault',
  title: 'nodemon, ts-node-dev, nest start or node --watch in a container',
  *remarks(scene): Iterable<Remark> {
    for (const { started, step, chain, isSure } of troubles(scene, 'development-runner')) {
      if (isOfPackage(scene.packages, step)) continue; // start-script tells of it
      yield {
        at: started.at,
        on: started.on,
        severity: isSure ? 'fault' : 'doubt',
        what:
          `'${step.program}' is for development: it runs the application below itself, and ends it ` +
          'in its own way.',
        fix: `Build first, and start node itself: ${started.exec(instead(chain, step))}.`,
      };
    }
  },
};

/** A script that was read is a fault, or nothing; one that was not is a doubt. */
export const entrypointScript: Rule = {
  id: 'entrypoint-script',
  severity: 'doubt',
  title: 'a script in front of node that does not end in exec, or was not read',
  *remarks(scene): Iterable<Remark> {
    for (const { started, step, isSure } of troubles(scene, 'script')) {
      const isRead = step.at !== undefined && step.passing !== 'unknown';
      yield {
        at: isRead ? step.at : started.at,
        on: started.on,
        severity: isSure ? 'fault' : 'doubt',
        what: isRead
          ? `'${step.program}' stays in front of the application (${step.why}), which never hears of SIGTERM.`
          : `'${step.program}' starts the application, and ${step.why ?? 'it was not read'}: unless it ends in exec, ` +
            'SIGTERM ends with it.',
        fix: isRead
          ? `Put exec before ${isPlainEnd(step) ? ending(step) : 'the last command, and nothing around it'}.`
          : 'See that it ends in exec node dist/main.js, or exec "$@"; name it beside this file, and it is read.',
      };
    }
  },
};

export const startWrapper: Rule = {
  id: 'start-wrapper',
  severity: 'doubt',
  title: 'a program in front of node that ends too soon, or of which nothing is known',
  *remarks(scene): Iterable<Remark> {
    for (const { started, step, chain, isSure } of [
      ...troubles(scene, 'wrapper'),
      ...troubles(scene, 'process-manager'),
    ]) {
      if (/^pm2\b|^pm2-/.test(step.program)) continue; // pm2-runtime tells of it
      yield {
        at: started.at,
        on: started.on,
        severity: isSure ? 'fault' : 'doubt',
        what: `'${step.program}' stands between the platform and node: ${step.why ?? 'what it does with SIGTERM is not known here'}.`,
        fix: `Start node itself: ${started.exec(instead(chain, step))}, or see that it passes SIGTERM on and waits.`,
      };
    }
  },
};

interface Trouble {
  readonly started: Started;
  readonly step: Step;
  readonly chain: Chain;
  readonly isSure: boolean;
}

function troubles(scene: Scene, kind: StepKind): readonly Trouble[] {
  return startedIn(scene).flatMap((started) =>
    troublesIn(started)
      .filter(({ step }) => step.kind === kind)
      .map((trouble) => ({ started, ...trouble })),
  );
}

/** Where to say something of a step: in the script that holds it, or where the start is. */
function spotOf({ packages }: Scene, started: Started, { at }: Step): Pick<Started, 'at' | 'exec'> {
  if (at === undefined || packages.some(({ file }) => file === at.file)) return started;
  return { at, exec: (words) => `exec ${words.join(' ')}` };
}

/** An exec stands behind variables: it takes its first word for a program. */
function ending({ why = '' }: Step): string {
  const [, variables, rest = ''] = /^its last command is '((?:\w+=\S* )+)(.*)', without exec$/.exec(why) ?? [];
  return variables === undefined ? 'it' : `its program: ${variables}exec ${rest.replaceAll('\\ ', '')}`;
}

function isPlainEnd({ why }: Step): boolean {
  return why?.endsWith('without exec') === true;
}

function stays({ passing, why }: Step, isSure: boolean): string {
  if (passing === 'cuts') return `does not wait for node: ${why ?? 'it ends first'}`;
  if (passing === 'unknown' || !isSure) return `may stay between the platform and node${why ? `: ${why}` : ''}`;
  return `stays between the platform and node, and does not pass SIGTERM on${why ? ` (${why})` : ''}`;
}

export const startRules: readonly Rule[] = [
  npmAsPid1,
  shellAsPid1,
  shellForm,
  developmentRunner,
  entrypointScript,
  startWrapper,
  stopSignal,
  startScript,
];
