import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { run } from '../../../src/serve/command.js';

describe('The command of the supervisor', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('has a help that fits into 80 columns', async () => {
    const written = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    expect(await run(['serve', '--help'], '')).toBe(0);
    const lines = String(written.mock.calls[0]![0]).split('\n');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines.join('\n')).toContain('--hang-limit <time>');
  });

  it('says in one line what it does not understand, and ends with 2', async () => {
    const written = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
    expect(await run(['serve', '--nonsense'], '')).toBe(2);
    expect(await run(['scale', 'many'], '')).toBe(2);
    for (const [line] of written.mock.calls) expect(line).toMatch(/^nestjs-drain (serve|scale): [^\n]+\n$/);
  });
});
