import { describe, expect, it } from '@jest/globals';
import { dropIn, nodeOptionsIn } from '../../../src/drill/user-unit.js';

describe('dropIn', () => {
  it('writes variables as systemd reads them', () => {
    expect(dropIn({ PORT: '3000', NODE_OPTIONS: '--require "/a b/c\\\\d.cjs"', TEXT: '100 %\nof it' })).toBe(
      String.raw`[Service]
Environment="PORT=3000"
Environment="NODE_OPTIONS=--require \"/a b/c\\\\d.cjs\""
Environment="TEXT=100 %%\nof it"
`,
    );
  });
});

describe('nodeOptionsIn', () => {
  it.each([
    ['', ''],
    ['NODE_ENV=production OTHER_NODE_OPTIONS=--no', ''],
    ['NODE_ENV=production NODE_OPTIONS=--max-old-space-size=256 A=b', '--max-old-space-size=256'],
    // As `systemctl show` of systemd 252 prints it.
    [
      String.raw`NODE_ENV=production "NODE_OPTIONS=--max-old-space-size=256 --require \"/a b/c.js\" 100% \$x" "A=b \\ \" \n c"`,
      '--max-old-space-size=256 --require "/a b/c.js" 100% $x',
    ],
  ])('finds those of a unit in what systemctl prints: %s', (printed, options) => {
    expect(nodeOptionsIn(printed)).toBe(options);
  });
});
