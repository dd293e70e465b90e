import { packageRunOf } from './package-managers.js';
import { nodeWordsOf } from './started.js';
import { type Chain, type Step } from './step.js';

/** What to start instead of a step: as far as it is known, or else what is usual. */
export function instead(chain: Chain, step: Step): readonly string[] {
  return nodeWordsOf(chain, step) ?? [...step.before, 'node', `dist/${otherScriptOf(chain)?.file ?? 'main'}.js`];
}

/** Names of scripts that start what serves. */
const main =
  /^((start|serve)(:(prod|production|dev|development|debug|watch|local|docker|staging|server|api|web|app|main))?|prod|production|dev|main|server|api|web)$/;

/** A script that starts something else, such as a worker, and is not known: its file is a guess. */
function otherScriptOf(chain: Chain): { readonly name: string; readonly file: string } | undefined {
  const runs = chain.filter(({ kind }) => kind === 'package-manager').map(({ words }) => packageRunOf(words)?.script);
  const name = runs.findLast((script) => script !== undefined);
  if (chain.some(({ kind }) => kind === 'development-runner' || kind === 'process-manager')) return undefined;
  if (name === undefined || main.test(name) || /[^\w:.-]/.test(name)) return undefined;
  return {
    name,
    file: name
      .split(':')
      .filter((part) => !/^(start|prod|production|run)$/.test(part))
      .join('-'),
  };
}

/** What to say of a file that is guessed. */
export function whichFile(chain: Chain, step: Step): string {
  const script = nodeWordsOf(chain, step) === undefined ? otherScriptOf(chain) : undefined;
  return script ? `, with the file that the script '${script.name}' runs` : '';
}

/** What keeps the commands before node. Behind a pipe, or in a loop, an exec would not help. */
export function orExec({ why, passing }: Step): string {
  return why === undefined || passing === 'unknown' ? ', or put exec before the last command' : '';
}
