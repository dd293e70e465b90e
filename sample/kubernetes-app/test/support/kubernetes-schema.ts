import ts from 'typescript';

/** A Kubernetes object as YAML has it: nothing is known of it yet. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  [field: string]: unknown;
}

/**
 * What the API server would say to `kubectl apply --validate=strict`, found offline; an empty list means accepted.
 *
 * Two judges, because each is blind in one eye: the JSON schemas of the Kubernetes API (compiled in
 * `kubernetes-models`) see types, formats and missing fields, but let unknown fields pass; its TypeScript types know
 * every field there is.
 */
export async function problemsOf(manifest: Manifest): Promise<string[]> {
  return [...(await schemaProblems(manifest)), ...typeProblems(manifest)];
}

interface Model {
  validate(): void;
}

async function schemaProblems(manifest: Manifest): Promise<string[]> {
  const models = (await import(`kubernetes-models/${manifest.apiVersion}`)) as Record<
    string,
    new (data: Manifest) => Model
  >;
  const Kind = models[manifest.kind];
  if (!Kind) return [`${manifest.apiVersion} has no kind ${manifest.kind}`];
  try {
    new Kind(manifest).validate();
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
}

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: [],
  strict: true,
  noEmit: true,
  skipLibCheck: true,
};
const host = ts.createCompilerHost(options);
const parsed = new Map<string, ts.SourceFile | undefined>();

/** Compiles the manifest as an object literal of its type: TypeScript rejects a literal's unknown fields. */
function typeProblems(manifest: Manifest): string[] {
  const fileName = `${import.meta.dirname}/manifest.ts`;
  const text = `
    import type { I${manifest.kind} } from 'kubernetes-models/${manifest.apiVersion}';
    export const manifest: I${manifest.kind} = ${JSON.stringify(manifest)};
  `;
  const program = ts.createProgram([fileName], options, {
    ...host,
    fileExists: (name) => name === fileName || host.fileExists(name),
    getSourceFile: (name, ...rest) => {
      if (name === fileName) return ts.createSourceFile(name, text, ts.ScriptTarget.ES2022);
      if (!parsed.has(name)) parsed.set(name, host.getSourceFile(name, ...rest));
      return parsed.get(name);
    },
  });
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}
