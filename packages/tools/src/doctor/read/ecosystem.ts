import { BadInputError } from '../bad-input.js';
import { type Place } from '../finding.js';
import { firstDocumentOf } from './documents.js';
import { evaluate } from './evaluate.js';
import { type Field } from './field.js';
import { checkJson } from './package-json.js';
import { type Source } from './source.js';

/** One application that PM2 runs. */
export interface Pm2App {
  /** The value as text; a list, joined by spaces; `undefined` when it is not given. */
  get(property: string): string | undefined;
  /** Where it is given; where the application is, when it is not. */
  placeOf(property: string): Place;
}

/** A command of `pm2 deploy`. */
export interface DeployHook {
  readonly name: string;
  readonly command: string;
  readonly at: Place;
}

/** A configuration of PM2. */
export interface Ecosystem {
  readonly file: string;
  readonly apps: readonly Pm2App[];
  /** What `pm2 deploy` runs on the other machine, with the name of its hook. */
  readonly hooks: readonly DeployHook[];
  /** Why a program's applications cannot be told. */
  readonly unreadable?: { readonly at: Place; readonly why: string };
}

/** @throws BadInputError when it is not a configuration of PM2 */
export function readEcosystem(source: Source): Ecosystem {
  const isData = /\.(json|ya?ml)$/i.test(source.name) || source.text.trimStart().startsWith('{');
  return isData ? fromData(source) : fromProgram(source);
}

function fromData(source: Source): Ecosystem {
  if (/\.json$/i.test(source.name)) checkJson(source);
  const root = firstDocumentOf(source);
  const apps = root?.get('apps').exists ? root.get('apps').items() : (root?.items() ?? []);
  const hooks = (root?.get('deploy').entries() ?? []).flatMap(([, each]) =>
    each
      .entries()
      .flatMap(([name, { text, place }]) => (text === undefined ? [] : [{ name, command: text, at: place }])),
  );
  const file = source.name;
  if (apps.length > 0) return { file, apps: apps.map(appOfField), hooks: hooks.filter(isHook) };
  if (root?.get('script').exists) return { file, apps: [appOfField(root)], hooks: [] };
  throw noApps(source.name);
}

function appOfField(app: Field): Pm2App {
  return {
    get: (property) => {
      const field = app.get(property);
      return (
        field.text ??
        (field.items().length > 0
          ? field
              .items()
              .map(({ text }) => text)
              .join(' ')
          : undefined)
      );
    },
    placeOf: (property) => {
      const field = app.get(property);
      return field.exists ? field.place : app.place;
    },
  };
}

function fromProgram({ name, text }: Source): Ecosystem {
  const evaluation = evaluate(text, name);
  if ('why' in evaluation) {
    const { why, isSyntax, line } = evaluation;
    const at = { file: name, line };
    if (isSyntax) throw new BadInputError(at, `Expected a module: ${why}. Correct it.`);
    return { file: name, apps: [], hooks: [], unreadable: { at, why } };
  }
  const exported = JSON.parse(evaluation.json) as unknown;
  const given = isRecord(exported) && Array.isArray(exported.apps) ? (exported.apps as unknown[]) : exported;
  const apps = (Array.isArray(given) ? (given as unknown[]) : [given]).filter(isRecord);
  if (!apps.some((app) => 'script' in app)) throw noApps(name);
  return {
    file: name,
    hooks: hooksIn(exported, name, text),
    apps: apps.map((app, index) => appOfProgram(app, (property) => placeIn(name, text, apps, index, property))),
  };
}

function hooksIn(exported: unknown, file: string, text: string): readonly DeployHook[] {
  const deploy = isRecord(exported) && isRecord(exported.deploy) ? Object.values(exported.deploy) : [];
  return deploy
    .filter(isRecord)
    .flatMap((each) => Object.entries(each))
    .flatMap(([name, command]) =>
      typeof command === 'string' ? [{ name, command, at: placeAt(file, text, Math.max(0, text.indexOf(name))) }] : [],
    )
    .filter(isHook);
}

function isHook({ name }: DeployHook): boolean {
  return /^(pre|post)-(setup|deploy|deploy-local)$/.test(name);
}

function appOfProgram(app: Record<string, unknown>, placeOf: (property: string) => Place): Pm2App {
  const get = (property: string) => {
    const value = app[property];
    if (value === undefined || value === null) return undefined;
    return Array.isArray(value) ? value.map(spell).join(' ') : spell(value);
  };
  return { get, placeOf };
}

/** As text; what is no single value, as JSON. */
function spell(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The n-th mention belongs to the n-th application that has the property. */
function placeIn(file: string, text: string, apps: readonly object[], index: number, property: string): Place {
  const code = withoutComments(text);
  for (const wanted of [property, 'name', 'script']) {
    if (!(wanted in apps[index]!)) continue;
    const before = apps.slice(0, index).filter((app) => wanted in app).length;
    const mentions = [...code.matchAll(new RegExp(`\\b${wanted}['"]?\\s*[:=,}]`, 'g'))];
    const mention = mentions[Math.min(before, mentions.length - 1)];
    if (mention) return placeAt(file, code, mention.index);
  }
  return placeAt(file, code, Math.max(0, code.search(/exports|export default/)));
}

function placeAt(file: string, text: string, offset: number): Place {
  const before = text.slice(0, offset).split('\n');
  return { file, line: before.length, column: before.at(-1)!.length + 1 };
}

/** Every other character stays where it is. */
function withoutComments(text: string): string {
  return text.replace(/(['"`])(?:\\[^]|(?!\1)[^\\])*\1|\/\/.*|\/\*[^]*?\*\//g, (match) =>
    match.startsWith('/') ? match.replace(/[^\n]/g, ' ') : match,
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function noApps(name: string): BadInputError {
  return new BadInputError(
    name,
    "Expected a PM2 configuration, got no 'apps' with a 'script'. Check which file it is.",
  );
}
