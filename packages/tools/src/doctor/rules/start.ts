import { sigintParts } from '../application.js';
import { nameOf, type Remark, type Rule } from '../rule.js';
import { type Scene } from '../scene.js';
import { chainsOf } from '../start/chain.js';
import { habitatOf } from '../start/habitat.js';
import { instead, orExec, whichFile } from '../start/instead.js';
import { nodeWordsOf, type Started, startedIn, troublesIn } from '../start/started.js';
import { type Chain, type Step, type StepKind } from '../start/step.js';
import { signalName } from '../start/wrappers.js';

const usual = ['node', 'dist/main.js'];

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
      if (started.shellForm !== undefined || isOfPackage(scene, step)) continue;
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
      if (started.shellForm === undefined || isMeantAsExec(started) || isOfPackage(scene, step)) continue;
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
  return words.length > 0 ? words : usual;
}

export const developmentRunner: Rule = {
  id: 'development-runner',
  severity: 'fault',
  title: 'nodemon, ts-node-dev, nest start or node --watch in a container',
  *remarks(scene): Iterable<Remark> {
    for (const { started, step, chain, isSure } of troubles(scene, 'development-runner')) {
      if (isOfPackage(scene, step)) continue; // start-script tells of it
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

/** SIGINT drains, without the lame duck that SIGTERM has; few others are listened for. */
export const stopSignal: Rule = {
  id: 'stop-signal',
  severity: 'fault',
  title: 'a stop signal other than SIGTERM (STOPSIGNAL, stop_signal, kill_signal, dumb-init -r)',
  *remarks(scene): Iterable<Remark> {
    const hasLameDuck = sigintParts(scene.application)[0]![1] > 0;
    for (const { stopSignal: instruction, file } of scene.dockerfiles) {
      if (!instruction || instruction.text.includes('$')) continue;
      const signal = signalName(instruction.text);
      if (signal === 'SIGTERM' || (signal === 'SIGINT' && hasLameDuck)) continue;
      yield {
        at: instruction.place,
        on: { kind: 'Dockerfile', name: file },
        what: insteadOf('The platform', signal),
        fix: 'Remove STOPSIGNAL: SIGTERM is the default.',
      };
    }
    for (const workload of scene.workloads) {
      const { value: signal, at, text } = workload.stopSignal;
      if (signal === undefined || signal === 'SIGTERM' || (signal === 'SIGINT' && hasLameDuck)) continue;
      const key = text?.includes(':') ? text.split(':')[0]! : text?.split('=')[0];
      yield {
        at,
        on: nameOf(workload),
        severity: signal === 'SIGINT' ? 'doubt' : 'fault',
        what: insteadOf(workload.kind, signal),
        fix: workload.stopSignalFix ?? `Remove ${key ?? 'it'}: SIGTERM is the default.`,
      };
    }
    for (const started of startedIn(scene)) {
      const step = started.chains.flat().find((each) => each.signal !== undefined);
      if (!step || (step.signal === 'SIGINT' && hasLameDuck)) continue;
      const where = step.kind === 'init' ? 'Remove the rewriting flag (-r, --rewrite)' : 'Let it send SIGTERM';
      yield {
        at: step.at ?? started.at,
        on: started.on,
        what: insteadOf(`'${step.program}'`, step.signal!),
        fix: `${where}.`,
      };
    }
  },
};

function insteadOf(who: string, signal: string): string {
  if (signal === 'SIGKILL')
    return `${who} sends SIGKILL, which ends the application at once, with all that is in flight.`;
  return `${who} sends ${signal} instead of SIGTERM: the lame duck begins on SIGTERM alone, and Nest listens for few signals.`;
}

/**
 * What `npm start` comes to is looked at in `package.json`; without a container that runs it, the script for production
 * is a doubt.
 */
export const startScript: Rule = {
  id: 'start-script',
  severity: 'fault',
  title: 'a start script that is a chain, or a development runner',
  *remarks(scene): Iterable<Remark> {
    const started = startedIn(scene);
    const isStartKnown = started.length > 0 || scene.ecosystems.length > 0;
    const said = new Set<string>();
    const found = started.flatMap((each) => troublesIn(each).map((trouble) => ({ ...trouble, exec: each.exec })));
    for (const { step, chain, isSure, exec } of isStartKnown ? found : assumed(scene)) {
      const key = `${step.at?.file}:${step.at?.line}`;
      if (!isOfPackage(scene, step) || !wrongWith(step) || said.has(key)) continue;
      said.add(key);
      const words = nodeWordsOf(chain, { ...step, before: [] }) ?? usual;
      yield {
        at: step.at!,
        severity: isStartKnown && isSure ? 'fault' : 'doubt',
        what: `${isStartKnown ? 'What is started runs this script' : 'If a container runs this script'}: ${wrongWith(step)}.`,
        fix: `Let the container start node itself: ${exec(words)}. Migrations belong in a step before it.`,
      };
    }
  },
};

function wrongWith({ kind, program, passing }: Step): string | undefined {
  if (kind === 'development-runner') return `'${program}' is for development`;
  if (kind !== 'shell' || passing === 'execs') return undefined;
  return 'its chain of commands keeps a shell between the signal and node';
}

/** Without anything that starts it: the script for production, or the usual one. */
function assumed(scene: Scene): readonly (Omit<Trouble, 'started'> & Pick<Started, 'exec'>)[] {
  const exec = (words: readonly string[]) => `CMD [${words.map((word) => JSON.stringify(word)).join(', ')}]`;
  return scene.packages.flatMap((each) => {
    const name = each.scripts.has('start:prod') ? 'start:prod' : 'start';
    if (!each.scripts.has(name)) return [];
    const habitat = habitatOf(undefined, { packages: [each], scripts: scene.scripts });
    const chains = chainsOf(['npm', 'run', name], habitat);
    return troublesIn({ chains }).map((trouble) => ({ ...trouble, exec }));
  });
}

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

/** Reports whether a step is said in a package.json. */
function isOfPackage({ packages }: Scene, { at, kind }: Step): boolean {
  return kind !== 'package-manager' && at !== undefined && packages.some(({ file }) => file === at.file);
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
