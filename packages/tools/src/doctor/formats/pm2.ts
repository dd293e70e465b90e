import { basename } from 'node:path';
import { readEcosystem } from '../read/ecosystem.js';
import { type Format } from './format.js';

export const pm2: Format = {
  id: 'pm2',
  title: 'PM2 configuration',
  files: 'ecosystem.config.js, .cjs, .json, .yaml, or another *.config.js',
  usual: ['ecosystem.config.js', 'ecosystem.config.cjs', 'ecosystem.config.json'],
  recognises: ({ name, text }) =>
    /^(ecosystem|pm2)\b.*\.(c?js|json|ya?ml)$|\.config\.c?js$/.test(basename(name)) ||
    (!/\.\w+$/.test(name) &&
      (/^\s*(module\.)?exports\b.*=/m.test(text) || (text.trimStart().startsWith('{') && /"apps"\s*:/.test(text)))),
  read: (file) => ({ ecosystems: [readEcosystem(file)] }),
};
