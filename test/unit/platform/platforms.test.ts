import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import {
  isReplacedAsAWhole,
  isUnderKubernetes,
  type PlatformName,
  recognise,
  usualGracePeriodMs,
} from '../../../src/platform/platforms.js';

const ordinary = { pid: 4_242, parentPid: 17 };
const at = (environment: NodeJS.ProcessEnv, ids: Partial<typeof ordinary> = {}) =>
  recognise({ environment, ...ordinary, ...ids });

/** What each platform sets, what it is called, and what it grants, ms. */
const platforms: [environment: NodeJS.ProcessEnv, name: string, gracePeriodMs: number][] = [
  [{ KUBERNETES_SERVICE_HOST: '10.96.0.1' }, 'Kubernetes', 30_000],
  [{ K_SERVICE: 'orders', K_REVISION: 'orders-1' }, 'Google Cloud Run', 10_000],
  [{ CLOUD_RUN_JOB: 'orders' }, 'Google Cloud Run', 10_000],
  [{ GAE_SERVICE: 'default' }, 'Google App Engine', 30_000],
  [{ ECS_CONTAINER_METADATA_URI_V4: 'http://169.254.170.2/v4/1' }, 'Amazon ECS', 30_000],
  [{ ECS_CONTAINER_METADATA_URI: 'http://169.254.170.2/v3/1' }, 'Amazon ECS', 30_000],
  [{ CONTAINER_APP_NAME: 'orders' }, 'Azure Container Apps', 30_000],
  [{ DYNO: 'web.1' }, 'Heroku', 30_000],
  [{ RENDER: 'true' }, 'Render', 30_000],
  [{ FLY_MACHINE_ID: '3d8d413b29d089' }, 'Fly.io', 5_000],
  [{ NOMAD_ALLOC_ID: '2b8b9cbf' }, 'Nomad', 5_000],
];

describe('recognise', () => {
  it.each(platforms)('knows by %j that it is %s, which grants %d ms', (environment, name, gracePeriodMs) => {
    // Most of them run containers, whose first process this may be.
    for (const pid of [1, 4_242]) {
      expect(at({ PATH: '/usr/bin', ...environment }, { pid })).toMatchObject({ name, gracePeriodMs });
    }
    expect(at(environment).why).toMatch(new RegExp(`^${Object.keys(environment)[0]!} is set; `));
  });

  it('takes what usualGracePeriodMs() tells to tools', () => {
    for (const [, name, gracePeriodMs] of platforms)
      expect(usualGracePeriodMs(name as PlatformName)).toBe(gracePeriodMs);
    expect(usualGracePeriodMs('PM2')).toBe(at({ pm_id: '0' }).gracePeriodMs);
    expect(usualGracePeriodMs('a container')).toBe(at({}, { pid: 1 }).gracePeriodMs);
  });

  it('takes 30 s where it recognises nothing', () => {
    expect(at({ NODE_ENV: 'production' })).toEqual({
      name: 'the usual time',
      gracePeriodMs: 30_000,
      why: 'no platform was recognised',
    });
  });

  it("takes docker's 10 s for PID 1 of a container that nothing else is known of", () => {
    expect(at({}, { pid: 1, parentPid: 0 })).toMatchObject({ name: 'a container', gracePeriodMs: 10_000 });
  });

  it('takes Knative for the Kubernetes that it is', () => {
    expect(at({ K_SERVICE: 'orders', KUBERNETES_SERVICE_HOST: '10.96.0.1' })).toMatchObject({ name: 'Kubernetes' });
  });

  it('takes the kill_timeout of PM2, wherever PM2 runs, and its 1.6 s where none is configured', () => {
    const pm2 = { pm_id: '0', kill_timeout: '15000', KUBERNETES_SERVICE_HOST: '10.96.0.1' };
    expect(at(pm2, { pid: 1 })).toEqual({ name: 'PM2', gracePeriodMs: 15_000, why: 'its kill_timeout' });
    for (const kill_timeout of [undefined, '', 'soon', '0', '-1']) {
      expect(at({ pm_id: '0', kill_timeout })).toMatchObject({ name: 'PM2', gracePeriodMs: 1_600 });
    }
    expect(at({ kill_timeout: '15000' })).toMatchObject({ name: 'the usual time' });
  });

  it('takes the PM2_KILL_TIMEOUT of the environment where the application has no kill_timeout', () => {
    const environment = { pm_id: '0', PM2_KILL_TIMEOUT: '20000' };
    expect(at(environment)).toEqual({ name: 'PM2', gracePeriodMs: 20_000, why: 'PM2_KILL_TIMEOUT' });
    expect(at({ ...environment, kill_timeout: '15000' })).toMatchObject({ gracePeriodMs: 15_000 });
  });

  it('takes no more under PM2 than a platform grants that nobody can change', () => {
    const inCloudRun = { pm_id: '0', kill_timeout: '30000', K_SERVICE: 'orders' };
    expect(at(inCloudRun)).toMatchObject({ name: 'Google Cloud Run', gracePeriodMs: 10_000 });
    expect(at({ ...inCloudRun, kill_timeout: '8000' })).toMatchObject({ name: 'PM2', gracePeriodMs: 8_000 });
  });

  it('knows the process of a systemd unit, and what that one starts, from others that inherit its variables', () => {
    const unit = { INVOCATION_ID: '0123456789abcdef', SYSTEMD_EXEC_PID: '300' };
    const systemd = { name: 'systemd', gracePeriodMs: 30_000, isSystemd: true };
    expect(at(unit, { pid: 300, parentPid: 1 })).toMatchObject(systemd);
    expect(at(unit, { pid: 301, parentPid: 300 })).toMatchObject(systemd);
    expect(at(unit, { pid: 302, parentPid: 301 })).toMatchObject({ name: 'the usual time' });
    // A platform that runs in a unit ends a process of its own before systemd ends that.
    expect(at({ ...unit, NOMAD_ALLOC_ID: '2b8b9cbf' }, { pid: 301, parentPid: 300 })).toMatchObject({ name: 'Nomad' });
    // Whoever has lost its parent, or is run by the init of a container.
    expect(at({}, { parentPid: 1 })).toMatchObject({ name: 'the usual time' });
    // Before systemd 248.
    expect(at({ INVOCATION_ID: unit.INVOCATION_ID }, { parentPid: 1 })).toMatchObject(systemd);
    expect(at({ INVOCATION_ID: unit.INVOCATION_ID })).toMatchObject({ name: 'the usual time' });
  });
});

describe('isUnderKubernetes', () => {
  it('knows a pod by the address of the API server', () => {
    expect(isUnderKubernetes({ KUBERNETES_SERVICE_HOST: '10.96.0.1' })).toBe(true);
    expect(isUnderKubernetes({})).toBe(false);
  });
});

describe('A worker of nestjs-drain serve', () => {
  const environment = { NESTJS_DRAIN_SUPERVISOR: '40', NESTJS_DRAIN_GRACE_MS: '7000', pm_id: '0' };

  it('has what its supervisor grants, whoever runs that', () => {
    expect(recognise({ environment, pid: 41, parentPid: 40 })).toMatchObject({ gracePeriodMs: 7_000 });
  });

  it('is none when another has started it, with the same environment', () => {
    expect(recognise({ environment, pid: 42, parentPid: 41 }).name).toBe('PM2');
    const ungranted = { ...environment, NESTJS_DRAIN_GRACE_MS: undefined };
    expect(recognise({ environment: ungranted, pid: 41, parentPid: 40 }).name).toBe('PM2');
  });
});

describe('docs/platforms.md', () => {
  const page = readFileSync('docs/platforms.md', 'utf8');

  it.each(platforms)('says of %j that %s grants %d ms, and where that stands', (environment, name, gracePeriodMs) => {
    const row = page.split('\n').find((line) => line.startsWith(`| ${name} `));
    expect(row).toContain(`\`${Object.keys(environment)[0]!}\``);
    expect(row).toMatch(new RegExp(`\\| ${gracePeriodMs / 1_000} s\\b.*\\]\\(https://`));
  });
});

describe('isReplacedAsAWhole', () => {
  it('tells a container of a platform from a machine', () => {
    expect(isReplacedAsAWhole({})).toBe(false);
    expect(isReplacedAsAWhole({ KUBERNETES_SERVICE_HOST: '10.0.0.1' })).toBe(true);
    expect(isReplacedAsAWhole({ K_SERVICE: 'orders' })).toBe(true);
  });
});
