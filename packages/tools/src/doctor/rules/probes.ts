import { seconds } from '../application.js';
import { pathOf, type Probe, probeOf } from '../read/probe.js';
import { servicesOf } from '../read/routes.js';
import { type Workload } from '../read/workload.js';
import { type Remark, type Rule } from '../rule.js';
import { type Scene } from '../scene.js';

export const noReadinessProbe: Rule = {
  id: 'no-readiness-probe',
  severity: 'fault',
  title: 'no readiness probe',
  *remarks(scene): Iterable<Remark> {
    for (const workload of servers(scene)) {
      if (probeOf(workload, 'readinessProbe')) continue;
      const isServing = workload.container.get('ports').items().length > 0 || servicesOf(scene, workload).length > 0;
      yield {
        at: workload.container.place,
        severity: isServing ? 'fault' : 'doubt',
        what:
          `Container ${nameOf(workload)} has no readiness probe: it gets requests before it can answer ` +
          'them, and nobody sees that it is leaving.',
        fix:
          'Add readinessProbe: { httpGet: { path: /health/ready, port: 3000 }, periodSeconds: 1, ' +
          'failureThreshold: 2 }.',
      };
    }
  },
};

/** A balancer that follows readiness has to see it fail before new work is refused. */
export const readinessTooSlow: Rule = {
  id: 'readiness-too-slow',
  severity: 'fault',
  title: 'period × failureThreshold + timeout of the readiness probe outlasts the lame duck',
  *remarks(scene): Iterable<Remark> {
    const { lameDuckMinMs: minMs, lameDuckMaxMs: maxMs } = scene.application.budget;
    if (maxMs === 0 || scene.application.budget.options.readiness === 'after-lame-duck') return;
    for (const { probe } of probed(scene, 'readinessProbe')) {
      if (probe.kind === 'tcpSocket' || probe.verdictMs <= minMs) continue;
      const { periodSeconds, failureThreshold, timeoutSeconds, verdictMs } = probe;
      const field = ['periodSeconds', 'failureThreshold']
        .map((each) => probe.field.get(each))
        .find((each) => each.exists);
      const longer = verdictMs > maxMs ? `, maxMs: ${verdictMs}` : '';
      const faster = minMs >= 3_000 ? 'periodSeconds: 1, failureThreshold: 2 and timeoutSeconds: 1, or ' : '';
      yield {
        at: (field ?? probe.field).place,
        what:
          `Readiness is seen to fail after up to ${periodSeconds} × ${failureThreshold} + ` +
          `${timeoutSeconds} = ${seconds(verdictMs)}, and the lame duck may end after ` +
          `${seconds(minMs)}: what follows the probe still sends requests then.`,
        fix: `Set ${faster}lameDuck: { minMs: ${verdictMs}${longer} } in the module's options.`,
      };
    }
  },
};

export const sameProbe: Rule = {
  id: 'same-probe',
  severity: 'fault',
  title: 'readiness and liveness ask for the same path',
  *remarks(scene): Iterable<Remark> {
    for (const { workload, probe } of probed(scene, 'livenessProbe')) {
      const readiness = probeOf(workload, 'readinessProbe');
      if (probe.kind === 'tcpSocket' || probe.kind === 'none') continue;
      if (readiness?.kind !== probe.kind || readiness.target !== probe.target) continue;
      const asked = probe.kind === 'httpGet' ? `path (${pathOf(probe)})` : 'question';
      const inner = probe.field.get(probe.kind, 'path');
      yield {
        at: (inner.exists ? inner : probe.field).place,
        what:
          `Liveness and readiness ask the same ${asked}: whatever fails readiness, a lame duck or a ` +
          'slow database, has the container restarted with its work in flight.',
        fix: 'Ask for a path of its own that answers 200 while the process lives: path: /health/live.',
      };
    }
  },
};

export const readinessTcp: Rule = {
  id: 'readiness-tcp',
  severity: 'fault',
  title: 'a readiness probe that only connects, and so never fails in time',
  *remarks(scene): Iterable<Remark> {
    for (const { probe } of probed(scene, 'readinessProbe')) {
      if (probe.kind !== 'tcpSocket') continue;
      yield {
        at: probe.field.get('tcpSocket').place,
        what:
          'Readiness only connects: that succeeds for as long as the listener is open, through the ' +
          'whole lame duck.',
        fix: 'Ask the application: httpGet: { path: /health/ready, port: 3000 }.',
      };
    }
  },
};

export const readinessUnknown: Rule = {
  id: 'readiness-unknown',
  severity: 'doubt',
  title: 'a readiness probe (exec, gRPC) that may not ask the readiness indicator',
  *remarks(scene): Iterable<Remark> {
    for (const { probe } of probed(scene, 'readinessProbe')) {
      if (probe.kind === 'httpGet' || probe.kind === 'tcpSocket') continue;
      const means = { exec: 'runs a command', grpc: 'speaks gRPC', none: 'asks nothing' }[probe.kind];
      yield {
        at: probe.field.place,
        what: `Readiness ${means}: whether it fails in the lame duck cannot be known here.`,
        fix:
          'See that it asks ReadinessHealthIndicator.isReady(), or use httpGet: { path: /health/ready, ' +
          'port: 3000 }.',
      };
    }
  },
};

export const readinessRoot: Rule = {
  id: 'readiness-root',
  severity: 'doubt',
  title: "a readiness probe of '/', which is seldom a health route",
  *remarks(scene): Iterable<Remark> {
    for (const { probe } of probed(scene, 'readinessProbe')) {
      if (probe.kind !== 'httpGet' || pathOf(probe) !== '/') continue;
      const path = probe.field.get('httpGet', 'path');
      yield {
        at: path.place,
        what:
          "Readiness asks for '/': a route that does not call ReadinessHealthIndicator.isReady() " +
          'answers 200 through the whole lame duck.',
        fix: 'Ask for the health route: path: /health/ready.',
      };
    }
  },
};

/** Shutdowns that the kubelet did not begin are watched by liveness to their end, past the close of the listener. */
export const livenessImpatient: Rule = {
  id: 'liveness-impatient',
  severity: 'doubt',
  title: 'a liveness probe that gives up before a drain has ended',
  *remarks(scene): Iterable<Remark> {
    const { drainTimeoutMs, hookTimeoutMs, lateRequests } = scene.application.budget.options;
    const closedMs = hookTimeoutMs + (lateRequests.listener === 'closed' ? drainTimeoutMs : 0);
    for (const { probe } of probed(scene, 'livenessProbe')) {
      const patienceMs = probe.periodSeconds * probe.failureThreshold * 1_000;
      if (patienceMs >= closedMs) continue;
      const field = ['periodSeconds', 'failureThreshold']
        .map((each) => probe.field.get(each))
        .find((each) => each.exists);
      yield {
        at: (field ?? probe.field).place,
        what:
          `Liveness gives up after ${probe.periodSeconds} × ${probe.failureThreshold} = ` +
          `${seconds(patienceMs)}, and the listener may be closed for ${seconds(closedMs)} at the end ` +
          'of a shutdown (shutdown(), or a busy event loop): the container is restarted meanwhile.',
        fix: 'Set periodSeconds: 10 and failureThreshold: 3.',
      };
    }
  },
};

function servers({ workloads }: Scene): readonly Workload[] {
  return workloads.filter(({ isServer }) => isServer);
}

function probed(
  scene: Scene,
  name: 'readinessProbe' | 'livenessProbe',
): readonly { workload: Workload; probe: Probe }[] {
  return servers(scene).flatMap((workload) => {
    const probe = probeOf(workload, name);
    return probe ? [{ workload, probe }] : [];
  });
}

function nameOf({ container }: Workload): string {
  return container.get('name').text ?? '(unnamed)';
}
