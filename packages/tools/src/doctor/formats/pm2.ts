import { basename } from 'node:path';
import { readEcosystem } from '../read/ecosystem.js';
import { type Format } from './format.js';

export const pm2: Format = {
  id: 'pm2',
  title: 'PM2 configuration',
  files: 'ecosystem.config.js, .cjs, .mjs, .ts, .json, .yaml, process.yml, or another *.config.js',
  usual: [
    'ecosystem.config.js',
    'ecosystem.config.cjs',
    'ecosystem.config.mjs',
    'ecosystem.config.ts',
    'ecosystem.config.json',
    'process.yml',
    'process.json',
    'pm2.config.js',
  ],
  recognises: ({ name, text }) =>
    /^(ecosystem|pm2|process)\b.*\.([cm]?[jt]s|json|ya?ml)$|\.config\.[cm]?[jt]s$/.test(basename(name)) ||
    (/\.ya?ml$/.test(name) && /^apps\s*:\s*\n(\s*#.*\n)*\s*-\s/m.test(text) && /^\s+(- )?script\s*:/m.test(text)) ||
    (!/\.\w+$/.test(name) &&
      (/^\s*(module\.)?exports\b.*=/m.test(text) || (text.trimStart().startsWith('{') && /"apps"\s*:/.test(text)))),
  read: (file) => {
    const ecosystem = readEcosystem(file);
    const { unreadable } = ecosystem;
    const notChecked = unreadable ? [{ at: unreadable.at, what: 'the applications of PM2, which cannot be told' }] : [];
    return { ecosystems: [ecosystem], notChecked };
  },
};
