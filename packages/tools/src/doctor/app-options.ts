import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { type GracefulShutdownOptions } from 'nestjs-drain';
import { seconds } from './application.js';
import { BadInputError } from './bad-input.js';

/** What an application module says of its options. `forRootAsync` makes them at bootstrap: they cannot be known. */
export type AppOptions = { readonly options: GracefulShutdownOptions } | { readonly why: string };

/** More than an application takes to load, ms. */
const defaultTimeoutMs = 30_000;

/** What the other process answers. */
interface Answer {
  readonly options?: GracefulShutdownOptions;
  readonly isAsync?: boolean;
  readonly isMissing?: boolean;
  readonly error?: string;
}

/**
 * Imports the file, and looks through the imports of the modules that it exports, breadth first. The module provides
 * its options under a token that is the same in every copy of the package.
 */
const program = `
  import { pathToFileURL } from 'node:url';

  const token = Symbol.for('nestjs-drain:options');
  const answer = (message) => process.send(message, () => process.exit(0));
  const listOf = (value) => (Array.isArray(value) ? value : []);

  /** forwardRef(() => X) stands for X. */
  const dereference = (module) => (typeof module?.forwardRef === 'function' ? module.forwardRef() : module);

  /** Of a class, what its decorator says; of a dynamic module, what it says itself, and its class. */
  const partsOf = (module) => {
    if (typeof module !== 'function')
      return { providers: listOf(module.providers), imports: [...listOf(module.imports), module.module] };
    const metadata = (key) => listOf(Reflect.getMetadata?.(key, module));
    return { providers: metadata('providers'), imports: metadata('imports') };
  };

  const providerIn = async (roots) => {
    const queue = [...roots];
    const seen = new Set();
    for (let at = 0; at < queue.length; at++) {
      const module = dereference(await queue[at]);
      if ((typeof module !== 'function' && typeof module !== 'object') || module === null || seen.has(module)) continue;
      seen.add(module);
      const { providers, imports } = partsOf(module);
      const provider = providers.find((each) => each?.provide === token);
      if (provider) return provider;
      queue.push(...imports);
    }
  };

  try {
    const exported = await import(pathToFileURL(process.argv[1]).href);
    const main = exported.default;
    const roots = typeof main === 'object' && main !== null ? { ...exported, ...main } : exported;
    const provider = await providerIn(Object.values(roots));
    if (!provider) answer({ isMissing: true });
    else if (provider.useValue === undefined) answer({ isAsync: true });
    else {
      // What the module warns of is no option.
      const { warnings, ...options } = provider.useValue;
      answer({ options });
    }
  } catch (error) {
    answer({ error: String(error?.message ?? error) });
  }
`;

/**
 * The options that the application's root module gives to GracefulShutdownModule. A process of its own imports it, and
 * is killed when that takes too long; the application is not started.
 *
 * @throws BadInputError when the file cannot be imported, or no module of its imports GracefulShutdownModule
 */
export async function optionsOfApp(file: string, cwd: string, timeoutMs = defaultTimeoutMs): Promise<AppOptions> {
  const { options, isAsync, isMissing, error } = await ask(resolve(cwd, file), cwd, timeoutMs);
  if (options) return { options };
  if (isAsync) return { why: `${file} uses forRootAsync(), whose options are made at bootstrap` };
  if (isMissing) {
    throw new BadInputError(
      file,
      'Expected an exported module that imports GracefulShutdownModule.forRoot(), got none. Give ' +
        'the built root module: --app dist/app.module.js.',
    );
  }
  const why = (error ?? 'it ends the process that imports it').split('\n')[0]!;
  throw new BadInputError(
    file,
    `Expected a module to import: ${why}. Build the application first, and give the built file, or --options.`,
  );
}

/** The answer of the other process; none, when it ends without one. */
function ask(file: string, cwd: string, timeoutMs: number): Promise<Answer> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, file], {
    cwd,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  return new Promise((settle) => {
    let answer: Answer = {};
    const timer = setTimeout(() => {
      answer = { error: `it has not loaded after ${seconds(timeoutMs)}` };
      child.kill('SIGKILL');
    }, timeoutMs);
    child.on('message', (message) => {
      answer = message as Answer;
    });
    child.on('error', ({ message }) => {
      answer = { error: message };
    });
    child.on('close', () => {
      clearTimeout(timer);
      settle(answer);
    });
  });
}
