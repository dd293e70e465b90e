import { describe, expect, it } from '@jest/globals';
import { readEcosystem } from '../../../../src/doctor/read/ecosystem.js';

const lineOf = (name: string, text: string, property: string, app = 0) =>
  readEcosystem({ name, text }).apps[app]!.placeOf(property).line;

describe('readEcosystem', () => {
  it('reads JSON and YAML', () => {
    const json = '{\n  "apps": [\n    { "script": "a.js",\n      "args": ["x", 1] }\n  ]\n}\n';
    const [app] = readEcosystem({ name: 'ecosystem.config.json', text: json }).apps;
    expect([app!.get('script'), app!.get('args'), app!.get('kill_timeout')]).toEqual(['a.js', 'x 1', undefined]);
    expect(app!.placeOf('args').line).toBe(4);
    expect(app!.placeOf('kill_timeout').line).toBe(3);
    const yaml = 'apps:\n  - name: a\n    script: a.js\n    kill_timeout: 5s\n';
    expect(lineOf('ecosystem.config.yml', yaml, 'kill_timeout')).toBe(4);
    expect(readEcosystem({ name: 'pm2.json', text: '[{ "script": "a.js" }]'.slice(1, -1) }).apps).toHaveLength(1);
    expect(readEcosystem({ name: 'pm2.yaml', text: '- script: a.js\n- script: b.js\n' }).apps).toHaveLength(2);
  });

  it('reads one application, a list, and an object with apps', () => {
    for (const exported of [
      "{ script: 'a.js' }",
      "[{ script: 'a.js' }]",
      "{ apps: [{ script: 'a.js' }], deploy: {} }",
    ]) {
      const { apps } = readEcosystem({ name: 'ecosystem.config.js', text: `module.exports = ${exported};` });
      expect(apps.map((app) => app.get('script'))).toEqual(['a.js']);
    }
  });

  it('finds the line of a property, of each application, and not in comments', () => {
    const text = [
      '// kill_timeout: 1',
      "const url = 'http://kill_timeout'; /* kill_timeout: 2",
      'kill_timeout: 3 */',
      'const kill_timeout = 20_000;',
      'module.exports = {',
      '  apps: [',
      "    { name: 'a', script: 'a.js' },",
      "    { name: 'b', script: 'b.js',",
      '      "args": [1, { two: 2 }],',
      "      env: { A: 'x' } },",
      '  ],',
      '};',
    ].join('\n');
    expect(lineOf('ecosystem.config.js', text, 'args', 1)).toBe(9);
    expect(lineOf('ecosystem.config.js', text, 'kill_timeout', 0)).toBe(7);
    expect(lineOf('ecosystem.config.js', text, 'kill_timeout', 1)).toBe(8);
    const { apps } = readEcosystem({ name: 'ecosystem.config.js', text });
    expect([apps[1]!.get('args'), apps[1]!.get('env')]).toEqual(['1 {"two":2}', '{"A":"x"}']);
  });
});
