import { describe, expect, it } from '@jest/globals';
import { readToml } from '../../../../src/doctor/read/toml.js';

const read = (...lines: string[]) => readToml({ name: 'fly.toml', text: lines.join('\n') });

describe('readToml', () => {
  it('gives values, and the places of their keys', () => {
    const { value, placeOf } = read(
      'app = "a"',
      '',
      '[env]',
      'PORT = "1"',
      '[[services]]',
      'internal_port = 2',
      'a.b = 3',
    );
    expect(value).toEqual({ app: 'a', env: { PORT: '1' }, services: [{ internal_port: 2, a: { b: 3 } }] });
    expect(placeOf(['env', 'PORT'])).toEqual({ file: 'fly.toml', line: 4 });
    expect(placeOf(['services', 0, 'a', 'b']).line).toBe(7);
    expect([placeOf(['env', 'none']).line, placeOf(['none']).line]).toEqual([3, 1]);
  });

  it('says in one line what is no TOML', () => {
    expect(() => read('app = "a"', 'kill_timeout = = 5')).toThrow(/^fly\.toml:2: Expected TOML: /);
    expect(() => read('a = 1', 'a = 2')).toThrow('Expected TOML: ');
  });
});
