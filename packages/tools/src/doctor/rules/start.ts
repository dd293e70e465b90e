import { type Start, startsOf } from '../read/starts.js';
import { type Remark, type Rule } from '../rule.js';
import { isChain, isPlain, lastCommand, scriptRunBy, type Trouble, troublesOf, wordsOf } from '../start-command.js';
import { type Scene } from '../scene.js';

const usual = ['node', 'dist/main.js'];

export const npmAsPid1: Rule = {
  id: 'npm-as-pid-1',
  severity: 'fault',
  title: 'npm, npx, yarn or pnpm as PID 1',
  *remarks(scene): Iterable<Remark> {
    for (const { start, trouble } of starts(scene, 'npm')) {
      yield {
        at: start.at,
        on: start.on,
        what:
          `'${trouble.program}' is started instead of node: a package manager does not pass SIGTERM ` +
          'on, and the application never hears of a shutdown.',
        fix: `Start node itself: ${start.exec(nodeCommand(scene, start))}.`,
      };
    }
  },
};

export const shellAsPid1: Rule = {
  id: 'shell-as-pid-1',
  severity: 'fault',
  title: 'a shell as PID 1 (sh -c without exec)',
  *remarks(scene): Iterable<Remark> {
    for (const { start, trouble } of starts(scene, 'shell')) {
      if (start.shellForm !== undefined) continue;
      yield {
        at: start.at,
        on: start.on,
        what: `'${trouble.program}' stays between the platform and node, and does not pass SIGTERM on.`,
        fix: `Start node itself, ${start.exec(nodeCommand(scene, start))}, or put exec before the last command.`,
      };
    }
  },
};

export const shellForm: Rule = {
  id: 'shell-form',
  severity: 'fault',
  title: 'a shell-form CMD or ENTRYPOINT',
  *remarks(scene): Iterable<Remark> {
    for (const { start } of starts(scene, 'shell')) {
      if (start.shellForm === undefined) continue;
      const isMeantAsExec = start.shellForm.startsWith('[');
      yield {
        at: start.at,
        on: start.on,
        what: isMeantAsExec
          ? 'This is no JSON, so that Docker runs it as a line of /bin/sh, not as an exec form.'
          : 'The shell form starts /bin/sh, which does not pass SIGTERM on to node.',
        fix: `Write the exec form, in double quotes: ${start.exec(nodeCommand(scene, start))}.`,
      };
    }
  },
};

export const developmentRunner: Rule = {
  id: 'development-runner',
  severity: 'fault',
  title: 'nodemon, ts-node, nest start or node --watch in a container',
  *remarks(scene): Iterable<Remark> {
    for (const { start, trouble } of starts(scene, 'development')) {
      yield {
        at: start.at,
        on: start.on,
        what:
          `'${trouble.program}' is for development: it runs the application below itself, and ends it ` +
          'in its own way.',
        fix: `Build first, and start node itself: ${start.exec(nodeCommand(scene, start))}.`,
      };
    }
  },
};

export const entrypointScript: Rule = {
  id: 'entrypoint-script',
  severity: 'doubt',
  title: 'a wrapper script that may not exec',
  *remarks(scene): Iterable<Remark> {
    for (const { start, trouble } of starts(scene, 'script')) {
      yield {
        at: start.at,
        on: start.on,
        what: `'${trouble.program}' starts the application: unless its last command is exec, SIGTERM ends with it.`,
        fix: `See that it ends in exec node dist/main.js, or exec "$@".`,
      };
    }
  },
};

export const stopSignal: Rule = {
  id: 'stop-signal',
  severity: 'fault',
  title: 'a STOPSIGNAL other than SIGTERM',
  *remarks({ dockerfiles }): Iterable<Remark> {
    for (const { stopSignal: instruction } of dockerfiles) {
      if (!instruction || /^["']?((SIG)?TERM|15)["']?$|\$/i.test(instruction.text)) continue;
      yield {
        at: instruction.place,
        what:
          `The platform sends ${instruction.text} instead of SIGTERM: the lame duck begins on SIGTERM ` +
          'alone, and Nest listens for few signals.',
        fix: 'Remove STOPSIGNAL: SIGTERM is the default.',
      };
    }
  },
};

/**
 * What `npm start` comes to is looked at in `package.json`; without a container that runs it, the script for production
 * is a doubt.
 */
export const startScript: Rule = {
  id: 'start-script',
  severity: 'fault',
  title: 'a start script that is a chain, or a development runner',
  *remarks(scene): Iterable<Remark> {
    const run = startsOf(scene).flatMap(({ words }) => scriptRunBy(words) ?? []);
    const isStartKnown = startsOf(scene).length > 0 || scene.ecosystems.length > 0;
    for (const scripts of scene.packages) {
      const assumed = scripts.has('start:prod') ? 'start:prod' : 'start';
      for (const name of new Set(isStartKnown ? run : [assumed])) {
        const script = scripts.get(name);
        const wrong = faultOfScript(script?.text);
        if (!script || !wrong) continue;
        yield {
          at: script.place,
          severity: isStartKnown ? 'fault' : 'doubt',
          what: isStartKnown
            ? `The container runs the script '${name}', and ${wrong}.`
            : `If a container runs the script '${name}': ${wrong}.`,
          fix:
            'Let the container start node itself: CMD ["node", "dist/main.js"]. Migrations belong in a ' +
            'step before it.',
        };
      }
    }
  },
};

function starts(scene: Scene, kind: Trouble['kind']): readonly { start: Start; trouble: Trouble }[] {
  return startsOf(scene).flatMap((start) => {
    const trouble = start.troubles.find((each) => each.kind === kind);
    return trouble ? [{ start, trouble }] : [];
  });
}

/** What to start instead, as far as the command or the script that it runs tells; the usual, otherwise. */
function nodeCommand({ packages }: Scene, { words, shellForm: line }: Start): readonly string[] {
  const name = scriptRunBy(words);
  const script = name && packages.map((scripts) => scripts.get(name)?.text).find((text) => text !== undefined);
  const candidates = [script, line?.startsWith('[') ? undefined : line, words.join(' ')];
  const plain = candidates.find((each) => each !== undefined && isPlain(each) && isNode(wordsOf(each)));
  return plain === undefined ? usual : wordsOf(plain);
}

function isNode(words: readonly string[]): boolean {
  return words[0] === 'node' && words.length > 1 && troublesOf(words).length === 0;
}

function faultOfScript(line = ''): string | undefined {
  if (isChain(line)) return 'its chain of commands keeps a shell between the signal and node';
  const runner = troublesOf(lastCommand(line)).find(({ kind }) => kind === 'development');
  return runner && `'${runner.program}' is for development`;
}

export const startRules: readonly Rule[] = [
  npmAsPid1,
  shellAsPid1,
  shellForm,
  developmentRunner,
  entrypointScript,
  stopSignal,
  startScript,
];
