import { type Place } from '../finding.js';
import { type Source } from './source.js';

/** A microservice that a program of Nest makes, as far as its text tells. */
export interface Microservice {
  /** Such as `NATS` or `RMQ`. */
  readonly transport: string;
  readonly at: Place;
  /** Where an option is given, and the text of its value; `undefined` where it is not given. */
  readonly option: (name: string) => { readonly text: string; readonly at: Place } | undefined;
}

/** What the text of a program tells of the work that it takes. */
export interface Program {
  readonly file: string;
  readonly microservices: readonly Microservice[];
  /** Workers that it makes by itself and hands to nobody, with what would register each. */
  readonly workers: readonly { readonly name: string; readonly register: string; readonly at: Place }[];
}

/** Clients may be made of the same options: those of a server stand in one of these calls. */
const makers = /\b(?:create|connect)Microservice\b/g;
const workers: readonly (readonly [made: RegExp, name: string, register: string])[] = [
  [/\bnew\s+Worker\s*(?:<[^()]*>)?\(/g, 'Worker of BullMQ', 'drainableWorker'],
  [/\bnew\s+PgBoss\s*\(/g, 'pg-boss', 'drainablePgBoss'],
];

/** Reads calls by their brackets: no compiler is needed for what is written out, and the rest is not known. */
export function readProgram({ name: file, text }: Source): Program {
  const code = withoutComments(text);
  const place = (offset: number): Place => ({ file, line: code.slice(0, offset).split('\n').length });
  const microservices = [...code.matchAll(makers)].flatMap(({ index }) => {
    const open = code.indexOf('(', index);
    const end = open === -1 ? -1 : closingOf(code, open);
    if (end === -1) return [];
    const call = code.slice(open, end);
    const [found, transport] = /\bTransport\.(\w+)/.exec(call) ?? [];
    // What is spread, or named, may say anything.
    if (found === undefined || /\.\.\.|\boptions\s*:\s*\w|\boptions\s*[,}]/.test(call)) return [];
    const at = place(open + call.indexOf(found));
    const option = (name: string) => {
      const match = new RegExp(`(?<![.\\w])['"]?${name}['"]?\\s*(?::\\s*([^,}\\n]+)|(?=[,}]))`).exec(call);
      return match ? { text: (match[1] ?? name).trim(), at: place(open + match.index) } : undefined;
    };
    return [{ transport: transport!, at, option }];
  });
  const isOfBullMq = /from\s+['"]bullmq['"]|require\(['"]bullmq['"]\)/.test(code);
  const unregistered = workers.flatMap(([made, name, register]) => {
    if (code.includes(register) || (register === 'drainableWorker' && !isOfBullMq)) return [];
    return [...code.matchAll(made)].map(({ index }) => ({ name, register, at: place(index) }));
  });
  return { file, microservices, workers: unregistered };
}

/** Every other character stays where it is. */
function withoutComments(text: string): string {
  return text.replace(/(['"`])(?:\\[^]|(?!\1)[^\\])*?\1|\/\/.*|\/\*[^]*?\*\//g, (match) =>
    match.startsWith('/') ? match.replace(/[^\n]/g, ' ') : match,
  );
}

/** Where the bracket that opens here is closed; -1 where it is not. */
function closingOf(code: string, open: number): number {
  let depth = 0;
  let quote: string | undefined;
  for (let at = open; at < code.length; at++) {
    const character = code[at]!;
    if (quote !== undefined) {
      if (character === '\\') at++;
      else if (character === quote) quote = undefined;
    } else if (/['"`]/.test(character)) quote = character;
    else if (/[([{]/.test(character)) depth++;
    else if (/[)\]}]/.test(character) && --depth === 0) return at;
  }
  return -1;
}
