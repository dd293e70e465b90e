import { basename } from 'node:path';
import { readDockerfile } from '../read/dockerfile.js';
import { roleOf } from '../read/images.js';
import { otherRuntimeIn } from '../read/runtimes.js';
import { type Format } from './format.js';

export const dockerfile: Format = {
  id: 'dockerfile',
  title: 'Dockerfile',
  files: 'Dockerfile, Containerfile, *.dockerfile, or a text that begins with FROM',
  usual: ['Dockerfile'],
  recognises: ({ name, text }) =>
    /^(dockerfile|containerfile)\b(?!.*\.(ya?ml|json|[cm]?[jt]s)$)|\.(dockerfile|containerfile)$/i.test(
      basename(name),
    ) ||
    (!/\.\w+$/.test(name) &&
      /^(\s*(#.*)?\r?\n)*\s*(FROM|ARG)\s+\S/i.test(text) &&
      !/^\s*(- )?["']?kind["']?\s*:/m.test(text)),
  read: (file, beside) => {
    const read = readDockerfile(file, beside);
    if (roleOf(read.base) !== undefined) {
      return { notes: [`${file.name} was left out, for no application's image is below it (${read.base})`] };
    }
    const runtime = otherRuntimeIn(`${read.entrypoint?.text ?? ''} ${read.cmd?.text ?? ''}`);
    if (runtime !== undefined) return { notes: [`${file.name} was left out, for it does not start node (${runtime})`] };
    return { dockerfiles: [read] };
  },
};
