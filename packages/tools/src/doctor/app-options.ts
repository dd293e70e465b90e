import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type GracefulShutdownOptions, type ResolvedOptions } from 'nestjs-drain';
import { BadInputError } from './bad-input.js';

/** The token under which the module provides its options; this tool does not load the application's copy of it. */
const optionsToken = Symbol.for('nestjs-drain:options');

/** Loaded by the application, with Nest. */
const reflect = Reflect as { getMetadata?: (key: string, target: object) => unknown };

interface DynamicModule {
  readonly module?: unknown;
  readonly imports?: unknown;
  readonly providers?: unknown;
}

/** What an application module says of its options. `forRootAsync` makes them at bootstrap: they cannot be known. */
export type AppOptions = { readonly options: GracefulShutdownOptions } | { readonly why: string };

/**
 * Imports the file, and looks through the imports of the modules that it exports. The application is not started.
 *
 * @throws BadInputError when the file cannot be imported, or no module of its imports GracefulShutdownModule
 */
export async function optionsOfApp(file: string, cwd: string): Promise<AppOptions> {
  const exported = await load(file, cwd);
  const provider = await findProvider(Object.values(exported));
  if (!provider) {
    throw new BadInputError(
      file,
      'Expected an exported module that imports GracefulShutdownModule.forRoot(), got none. Give ' +
        'the built root module: --app dist/app.module.js.',
    );
  }
  const { useValue } = provider as { useValue?: ResolvedOptions };
  if (useValue !== undefined) {
    // What the module warns of is no option.
    const { warnings: _warnings, ...options } = useValue;
    return { options };
  }
  return { why: `${file} uses forRootAsync(), whose options are made at bootstrap` };
}

async function load(file: string, cwd: string): Promise<object> {
  try {
    const exported = (await import(pathToFileURL(resolve(cwd, file)).href)) as { default?: unknown };
    const { default: main } = exported;
    return typeof main === 'object' && main !== null ? { ...exported, ...main } : exported;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new BadInputError(
      file,
      `Expected a module to import: ${why.split('\n')[0]!}. Build the application first, and give the built file.`,
    );
  }
}

/** The first that provides the options, breadth first. */
async function findProvider(roots: readonly unknown[]): Promise<object | undefined> {
  const queue = [...roots];
  const seen = new Set<unknown>();
  for (let at = 0; at < queue.length; at++) {
    const module = dereference(await queue[at]);
    if (!module || seen.has(module)) continue;
    seen.add(module);
    const { providers, imports, type } = partsOf(module);
    const provider = providers.find((each) => (each as { provide?: unknown } | undefined)?.provide === optionsToken);
    if (provider) return provider;
    queue.push(...imports, type);
  }
  return undefined;
}

/** `forwardRef(() => X)` stands for X. */
function dereference(module: unknown): object | undefined {
  const { forwardRef } = (module ?? {}) as { forwardRef?: () => unknown };
  const target = typeof forwardRef === 'function' ? forwardRef() : module;
  return typeof target === 'function' || typeof target === 'object' ? (target ?? undefined) : undefined;
}

/** Of a class, what its decorator says; of a dynamic module, what it says itself, and its class. */
function partsOf(module: object): { providers: readonly object[]; imports: readonly unknown[]; type?: unknown } {
  if (typeof module !== 'function') {
    const { providers, imports, module: type } = module as DynamicModule;
    return { providers: listOf(providers) as object[], imports: listOf(imports), type };
  }
  const metadata = (key: string) => listOf(reflect.getMetadata?.(key, module));
  return { providers: metadata('providers') as object[], imports: metadata('imports') };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}
