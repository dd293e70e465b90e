import { type Remark, type Rule } from '../rule.js';
import { type Scene } from '../scene.js';
import { chainsOf } from '../start/chain.js';
import { habitatOf } from '../start/habitat.js';
import { isOfPackage, nodeWordsOf, type Started, startedIn, troublesIn } from '../start/started.js';
import { type Step, usualStart } from '../start/step.js';

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
      if (!isOfPackage(scene.packages, step) || !wrongWith(step) || said.has(key)) continue;
      said.add(key);
      const words = nodeWordsOf(chain, { ...step, before: [] }) ?? usualStart;
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
function assumed(scene: Scene): readonly (ReturnType<typeof troublesIn>[number] & Pick<Started, 'exec'>)[] {
  const exec = (words: readonly string[]) => `CMD [${words.map((word) => JSON.stringify(word)).join(', ')}]`;
  return scene.packages.flatMap((each) => {
    const name = each.scripts.has('start:prod') ? 'start:prod' : 'start';
    if (!each.scripts.has(name)) return [];
    const habitat = habitatOf(undefined, { packages: [each], scripts: scene.scripts });
    const chains = chainsOf(['npm', 'run', name], habitat);
    return troublesIn({ chains }).map((trouble) => ({ ...trouble, exec }));
  });
}
