import { type Format } from './format.js';

export const script: Format = {
  id: 'script',
  title: 'Script of a shell',
  files: '*.sh, or a text that begins with #! and names a shell',
  usual: [],
  recognises: ({ name, text }) => /\.(sh|bash)$/.test(name) || /^#!\s*\S*\/(env\s+)?(ba|da|a|k|z)?sh\b/.test(text),
  read: ({ name, text }) => ({ scripts: [[name, text]] }),
};
