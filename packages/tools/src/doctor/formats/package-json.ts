import { basename } from 'node:path';
import { readPackageJson } from '../read/package-json.js';
import { type Format } from './format.js';

export const packageJson: Format = {
  id: 'package',
  title: 'package.json',
  files: 'package.json',
  usual: ['package.json'],
  recognises: ({ name, text }) =>
    basename(name) === 'package.json' ||
    (!/\.\w+$/.test(name) &&
      text.trimStart().startsWith('{') &&
      !/"(kind|apiVersion|apps)"\s*:/.test(text) &&
      /"(scripts|dependencies|version)"\s*:/.test(text)),
  read: (file) => ({ packages: [readPackageJson(file)] }),
};
