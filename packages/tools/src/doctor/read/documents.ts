import { type Document, isMap, LineCounter, parseAllDocuments, visit } from 'yaml';
import { BadInputError } from '../bad-input.js';
import { Field } from './field.js';
import { type Source } from './source.js';

const renderFirst = 'Templates have to be rendered first: helm template CHART | nestjs-drain doctor';

/**
 * The documents of a YAML text, which JSON is too. Empty ones are left out.
 *
 * @throws BadInputError when it is not YAML, or a template of YAML
 */
export function documentsOf({ name, text }: Source): readonly Field[] {
  const lines = new LineCounter();
  const fields: Field[] = [];
  for (const document of parse(name, text, lines)) {
    const [error] = document.errors;
    if (error) {
      const line = error.linePos?.[0].line ?? 1;
      const what = text.includes('{{')
        ? renderFirst
        : `Expected YAML: ${error.message.split(/ at line \d+/)[0]}. Correct it`;
      throw new BadInputError({ file: name, line }, `${what}.`);
    }
    const field = Field.rootOf({ file: name, document, lines });
    if (field.exists) fields.push(field);
  }
  return fields;
}

function parse(name: string, text: string, lines: LineCounter): readonly Document[] {
  try {
    const quiet = { lineCounter: lines, uniqueKeys: false, logLevel: 'error', prettyErrors: true } as const;
    const documents = [...parseAllDocuments(text, quiet)];
    for (const document of documents) if (document.errors.length === 0) refuseTemplates(name, document, lines);
    return documents;
  } catch (error) {
    if (error instanceof BadInputError) throw error;
    throw new BadInputError(name, `Expected YAML: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

/** `{{ .Values.replicas }}` is YAML, of a kind that Kubernetes has no use for: a mapping as a key. */
function refuseTemplates(file: string, document: Document, lines: LineCounter): void {
  visit(document, {
    Pair: (_, { key }) => {
      if (!isMap(key)) return;
      throw new BadInputError({ file, line: lines.linePos(key.range?.[0] ?? 0).line }, `${renderFirst}.`);
    },
  });
}
