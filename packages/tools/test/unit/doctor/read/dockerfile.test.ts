import { describe, expect, it } from '@jest/globals';
import { execForm, readDockerfile } from '../../../../src/doctor/read/dockerfile.js';

const cmdOf = (...lines: string[]) => {
  const { cmd } = readDockerfile({ name: 'Dockerfile', text: lines.join('\n') }, () => undefined);
  return cmd && [cmd.place.line, cmd.text];
};

describe('readDockerfile', () => {
  it('takes the last CMD of the last stage', () => {
    expect(cmdOf('FROM a', 'CMD one', 'CMD two')).toEqual([3, 'two']);
    expect(cmdOf('FROM a AS x', 'CMD one', 'FROM b', 'CMD two', 'FROM scratch')).toBeUndefined();
  });

  it('follows stages by their names, in any case, and never in a circle', () => {
    expect(
      cmdOf('FROM a AS Base', 'CMD one', 'FROM b AS other', 'CMD two', 'FROM --platform=linux/amd64 base'),
    ).toEqual([2, 'one']);
    expect(cmdOf('FROM a AS a', 'CMD one', 'FROM a AS a', 'RUN x')).toEqual([2, 'one']);
  });

  it('joins continued lines, over comments and empty lines', () => {
    expect(cmdOf('FROM a', '# before', '', 'CMD node \\', '  # within', '', '  main.js')).toEqual([4, 'node main.js']);
    expect(cmdOf('# escape=`', 'FROM a', 'CMD node `', 'main.js')).toEqual([3, 'node main.js']);
    expect(cmdOf('FROM a', 'CMD node \\')).toEqual([2, 'node']);
  });

  it('skips heredocs', () => {
    expect(cmdOf('FROM a', 'CMD one', "RUN <<'A' cat <<-B", 'CMD two', 'A', 'CMD three', '\tB', 'RUN x')).toEqual([
      2,
      'one',
    ]);
    expect(cmdOf('FROM a', 'RUN <<EOF', 'CMD never ends')).toBeUndefined();
  });

  it('reads carriage returns, a byte order mark and small letters', () => {
    expect(cmdOf('\uFEFFfrom a\r', 'cmd ["node", "main.js"]\r', '')).toEqual([2, '["node", "main.js"]']);
  });
});

describe('execForm', () => {
  const of = (text: string) => execForm({ name: 'CMD', text, place: { file: 'Dockerfile', line: 1 } });

  it('is a list of texts in JSON', () => {
    expect(of('["node", "main.js"]')).toEqual(['node', 'main.js']);
    expect(of('[]')).toEqual([]);
    for (const text of ['node main.js', "['node']", '["node", 1]', '["node"', '{}', ''])
      expect(of(text)).toBeUndefined();
  });
});
