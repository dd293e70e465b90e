import { describe, expect, it } from '@jest/globals';
import { signalSwallower } from '../../../src/nest/parent-process.js';

type Tree = Record<number, { command: string; parentPid: number }>;
const under = (tree: Tree, parentPid: number, pid = 42) => signalSwallower(pid, parentPid, (each) => tree[each]);

describe('signalSwallower', () => {
  it.each(['npm start', 'npm', 'npx', 'yarn', 'pnpm', 'bun', 'sh', 'bash', 'dash', 'ash', 'zsh'])(
    'names %s as PID 1',
    (command) => {
      expect(under({ 1: { command, parentPid: 0 } }, 1)).toBe(command);
    },
  );

  it('names PID 1 behind a chain of shells', () => {
    const tree = {
      30: { command: 'sh', parentPid: 20 },
      20: { command: 'npm run start', parentPid: 1 },
      1: { command: 'bash', parentPid: 0 },
    };
    expect(under(tree, 30)).toBe('bash');
  });

  it.each(['node', 'tini', 'dumb-init', 'systemd', 'shim', 'npmd', 'docker-init'])(
    'is silent when PID 1 is %s, which passes signals on or is no shell',
    (command) => {
      expect(under({ 1: { command, parentPid: 0 } }, 1)).toBeUndefined();
    },
  );

  it('is silent when the chain to PID 1 has a link that passes signals on', () => {
    const tree = {
      30: { command: 'sh', parentPid: 20 },
      20: { command: 'tini', parentPid: 1 },
      1: { command: 'bash', parentPid: 0 },
    };
    expect(under(tree, 30)).toBeUndefined();
  });

  it('is silent on a shell that is not PID 1: a terminal', () => {
    const tree = { 30: { command: 'bash', parentPid: 20 }, 20: { command: 'sshd', parentPid: 1 } };
    expect(under(tree, 30)).toBeUndefined();
  });

  it('is silent when this process is PID 1', () => {
    expect(under({ 1: { command: 'sh', parentPid: 0 } }, 1, 1)).toBeUndefined();
  });

  it('is silent when the parent stands outside of what can be seen, or cannot be read', () => {
    expect(under({}, 0)).toBeUndefined();
    expect(under({}, 1)).toBeUndefined();
    expect(under({ 30: { command: 'sh', parentPid: 0 } }, 30)).toBeUndefined();
  });
});
