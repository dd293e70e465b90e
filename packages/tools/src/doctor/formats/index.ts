import { type Source } from '../read/source.js';
import { compose } from './compose.js';
import { dockerfile } from './dockerfile.js';
import { ecs } from './ecs.js';
import { fly } from './fly.js';
import { type Format } from './format.js';
import { kubernetes } from './kubernetes.js';
import { packageJson } from './package-json.js';
import { pm2 } from './pm2.js';
import { program } from './program.js';
import { procfile } from './procfile.js';
import { render } from './render.js';
import { script } from './script.js';
import { systemd } from './systemd.js';

/** Every format that is read. The first that recognises a file reads it: those with names of their own stand first. */
export const formats: readonly Format[] = [
  dockerfile,
  packageJson,
  procfile,
  fly,
  systemd,
  script,
  pm2,
  program,
  render,
  compose,
  ecs,
  kubernetes,
];

/** The format of a file; `undefined` where none recognises it. */
export function formatOf(file: Source): Format | undefined {
  const { kind } = file;
  return formats.find((format) => (kind === undefined ? format.recognises(file) : format.id === kind));
}
