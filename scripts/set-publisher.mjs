/**
 * Sets who publishes the packages, in all of them: `node scripts/set-publisher.mjs <repository URL> <author>`.
 * With `--check` it fails while a placeholder is left.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const placeholder = 'OWNER';
const folders = ['.', 'packages/tools'].filter((folder) => existsSync(`${folder}/package.json`));
const [url, author] = process.argv.slice(2);

if (url === '--check') check();
else if (/^https:\/\/[^/]+\/[^/]+\/[^/]+$/.test(url ?? '') && author) for (const folder of folders) set(folder);
else
  fail("Expected a repository and an author, such as https://github.com/acme/nestjs-drain 'Acme <oss@acme.example>'.");

function set(folder) {
  const path = `${folder}/package.json`;
  const manifest = JSON.parse(readFileSync(path, 'utf8'));
  const fields = {
    author,
    homepage: `${url}#readme`,
    repository: { type: 'git', url: `git+${url}.git`, ...(folder === '.' ? {} : { directory: folder }) },
    bugs: { url: `${url}/issues` },
  };
  const entries = Object.entries(manifest).filter(([name]) => !Object.hasOwn(fields, name));
  const at = entries.findIndex(([name]) => name === 'license') + 1;
  const ordered = [...entries.slice(0, at), ...Object.entries(fields), ...entries.slice(at)];
  writeFileSync(path, `${JSON.stringify(Object.fromEntries(ordered), null, 2)}\n`);
}

function check() {
  const unset = folders.filter((folder) => {
    const { author: name = placeholder, repository } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
    return `${name} ${repository?.url ?? placeholder}`.includes(placeholder);
  });
  if (unset.length > 0) fail(`No publisher is set in ${unset.join(' and ')}: see CONTRIBUTING.md, Publish.`);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
