import { type Source } from '../read/source.js';
import { dockerfile } from './dockerfile.js';
import { type Format } from './format.js';
import { kubernetes } from './kubernetes.js';
import { packageJson } from './package-json.js';
import { pm2 } from './pm2.js';

/** Every format that is read. The first that recognises a file reads it. */
export const formats: readonly Format[] = [dockerfile, packageJson, pm2, kubernetes];

/** The format of a file; `undefined` where none recognises it. */
export function formatOf(file: Source): Format | undefined {
  const { kind } = file;
  return formats.find((format) => (kind === undefined ? format.recognises(file) : format.id === kind));
}
