import { readdirSync, readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import type { Manifest } from './kubernetes-schema.js';

const root = new URL('../../', import.meta.url);

export function read(path: string): string {
  return readFileSync(new URL(path, root), 'utf8');
}

/**
 * Every Kubernetes object under `k8s/`, with the file it comes from. YAML errors, duplicate keys among them, are
 * thrown.
 */
export function readManifests(): { file: string; manifest: Manifest }[] {
  return readdirSync(new URL('k8s/', root))
    .filter((file) => file.endsWith('.yaml'))
    .flatMap((file) =>
      parseAllDocuments(read(`k8s/${file}`)).map((document) => {
        const [error] = document.errors;
        if (error) throw error;
        return { file, manifest: document.toJS() as Manifest };
      }),
    );
}

export function readManifest<T = Manifest>(kind: string): T {
  const found = readManifests().find(({ manifest }) => manifest.kind === kind);
  if (!found) throw new Error(`k8s/ has no ${kind}`);
  return found.manifest as T;
}
