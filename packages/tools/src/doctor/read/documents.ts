import { type Document, isMap, LineCounter, parseAllDocuments, visit, type YAMLParseError } from 'yaml';
import { BadInputError } from '../bad-input.js';
import { Field } from './field.js';
import { type Source } from './source.js';

const renderFirst = 'Templates have to be rendered first: helm template CHART | nestjs-drain doctor -.';
/** More multi-line texts in quotes than a file that people write has. */
const mostQuotes = 100;
/** More blanks than a key has before it. */
const deeper = 80;

/** The documents of a text, and those that cannot be read. */
export interface Documents {
  readonly fields: readonly Field[];
  readonly errors: readonly BadInputError[];
}

/** The documents of a YAML text, which JSON is too. Empty ones are left out; one that is broken stops no other. */
export function documentsOf({ name, text }: Source): Documents {
  const { documents, lines } = parse(name, text);
  const fields: Field[] = [];
  const errors: BadInputError[] = [];
  for (const document of documents) {
    const broken = troubleWith(document, text, lines);
    if (broken) {
      errors.push(new BadInputError({ file: name, line: broken.line }, broken.what));
      continue;
    }
    const field = Field.rootOf({ file: name, document, lines });
    if (field.exists) fields.push(field);
  }
  return { fields, errors };
}

/**
 * The first document.
 *
 * @throws BadInputError when it cannot be read
 */
export function firstDocumentOf(source: Source): Field | undefined {
  const { fields, errors } = documentsOf(source);
  const [error] = errors;
  if (error) throw error;
  return fields[0];
}

interface Parsed {
  readonly documents: readonly Document[];
  readonly lines: LineCounter;
}

/**
 * go-yaml, and so kubectl, takes a text in quotes whose further lines are no deeper than its key; the parser here does
 * not. Blanks before such a line do not count, so it is moved to the right: its number stays the same.
 */
function parse(name: string, text: string): Parsed {
  let readable: string | undefined = text;
  let first: Parsed | undefined;
  for (let round = 0; readable !== undefined && round < mostQuotes; round++) {
    const parsed = parseOnce(name, readable);
    first ??= parsed;
    const error = parsed.documents.flatMap((document) => document.errors).find(isUnclosed);
    if (!error) return parsed;
    readable = withLineMoved(readable, error.pos[0]);
  }
  return first!;
}

function isUnclosed({ code, message }: YAMLParseError): boolean {
  return code === 'MISSING_CHAR' && message.startsWith('Missing closing');
}

/** The parser gave up at the end of a line: the text goes on in the next one that is not empty. */
function withLineMoved(text: string, gaveUpAt: number): string | undefined {
  const [before] = /^[^\n]*\n(?:[^\S\n]*\n)*/.exec(text.slice(gaveUpAt)) ?? [];
  const at = gaveUpAt + (before?.length ?? 0);
  if (before === undefined || at >= text.length || /^(---|\.\.\.)/.test(text.slice(at, at + 3))) return undefined;
  return `${text.slice(0, at)}${' '.repeat(deeper)}${text.slice(at)}`;
}

function parseOnce(name: string, text: string): Parsed {
  const lines = new LineCounter();
  try {
    const options = { lineCounter: lines, uniqueKeys: false, logLevel: 'error', prettyErrors: true } as const;
    return { documents: [...parseAllDocuments(text, options)], lines };
  } catch (error) {
    throw new BadInputError(name, `Expected YAML: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

function troubleWith(document: Document, text: string, lines: LineCounter): { line: number; what: string } | undefined {
  const [error] = document.errors;
  if (error) {
    const line = error.linePos?.[0].line ?? 1;
    const what = text.includes('{{')
      ? renderFirst
      : `Expected YAML: ${error.message.split(/ at line \d+/)[0]!}. Correct it.`;
    return { line, what };
  }
  return templateIn(document, lines);
}

/** `{{ .Values.replicas }}` is YAML, of a kind that Kubernetes has no use for: a mapping as a key. */
function templateIn(document: Document, lines: LineCounter): { line: number; what: string } | undefined {
  let line: number | undefined;
  visit(document, {
    Pair: (_, { key }) => {
      if (!isMap(key)) return undefined;
      line ??= lines.linePos(key.range?.[0] ?? 0).line;
      return visit.BREAK;
    },
  });
  return line === undefined ? undefined : { line, what: renderFirst };
}
