import { describe, expect, it } from '@jest/globals';
import { readUnitFile } from '../../../../src/doctor/read/unit-file.js';

describe('readUnitFile', () => {
  it('reads sections, comments and continued lines, with the line on which a setting begins', () => {
    const text = [
      '# Comment',
      '[Unit]',
      'Description=a=b',
      '[Service]',
      'ExecStart=/usr/bin/node \\',
      '; within',
      '  main.js',
      ' Type = notify\r',
      'no setting',
      '[Unit]',
      'After=network.target',
    ].join('\n');
    const file = readUnitFile({ name: 'a.service', text });
    const spelt = [...file].map(([section, entries]) => [
      section,
      entries.map(({ key, value, place }) => `${place.line} ${key}: ${value}`),
    ]);
    expect(spelt).toEqual([
      ['Unit', ['3 Description: a=b', '11 After: network.target']],
      ['Service', ['5 ExecStart: /usr/bin/node main.js', '8 Type: notify']],
    ]);
  });
});
