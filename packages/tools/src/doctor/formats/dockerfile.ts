import { basename } from 'node:path';
import { readDockerfile } from '../read/dockerfile.js';
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
  read: (file, beside) => ({ dockerfiles: [readDockerfile(file, beside)] }),
};
