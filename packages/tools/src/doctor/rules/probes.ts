import { seconds } from '../application.js';
import { type Container, type Port, type Probe, type Workload } from '../model.js';
import { isServing, serversOf, takesRequests } from '../read/routes.js';
import { isServerless } from '../read/workload.js';
import { nameOf, type Remark, type Rule } from '../rule.js';
import { type Scene } from '../scene.js';

/** Who goes by what a probe says when a process leaves. */
const followers =
  'Kubernetes takes a deleted pod out at once, whatever its probe says. A balancer with checks of its own follows the ' +
  'probe, and so does the Service of a container that is restarted alone';

export const noReadinessProbe: Rule = {
  id: 'no-readiness-probe',
  severity: 'fault',
  title: 'no readiness probe, so that requests come before the application listens',
  *remarks(scene): Iterable<Remark> {
    for (const workload of serversOf(scene)) {
      if (!workload.pods || isServerless(workload)) continue;
      for (const container of serving(workload)) {
        if (container.readiness ?? container.startup) continue;
        yield {
          at: container.at,
          on: nameOf(workload, container),
          what: 'There is no readiness probe: the container gets requests as soon as it runs, before it can answer them.',
          fix: `Add readinessProbe: { httpGet: { path: /health/ready, port: ${portFor(container)} }, periodSeconds: 1, failureThreshold: 2 }.`,
        };
      }
    }
  },
};

/** Nobody is lost by it where pods are deleted, which is what roll-outs do. */
export const readinessTooSlow: Rule = {
  id: 'readiness-too-slow',
  severity: 'doubt',
  title: 'a readiness probe that is seen to fail only after the lame duck',
  *remarks(scene): Iterable<Remark> {
    const { lameDuckMinMs: minMs, lameDuckMaxMs: maxMs, options } = scene.application.budget;
    if (maxMs === 0 || options.readiness === 'after-lame-duck') return;
    for (const { workload, container, probe } of probed(scene, 'readiness')) {
      const [period, failures, timeout] = [probe.periodSeconds, probe.failureThreshold, probe.timeoutSeconds];
      if (probe.kind !== 'httpGet') continue;
      if (period.value === undefined || failures.value === undefined || timeout.value === undefined) continue;
      const verdictMs = (period.value * failures.value + timeout.value) * 1_000;
      if (verdictMs <= minMs) continue;
      yield {
        at: [period, failures].find(({ text }) => text !== undefined)?.at ?? probe.at,
        on: nameOf(workload, container),
        what:
          `${followers}: they see it fail after up to ${period.value} × ${failures.value} + ${timeout.value} = ` +
          `${seconds(verdictMs)}, and the lame duck may end after ${seconds(minMs)}.`,
        fix:
          minMs >= 3_000
            ? 'Set periodSeconds: 1, failureThreshold: 2 and timeoutSeconds: 1, where there are such.'
            : "Set lameDuck: { minMs: 3000 } in the module's options, periodSeconds: 1 and failureThreshold: 2.",
      };
    }
  },
};

export const readinessTcp: Rule = {
  id: 'readiness-tcp',
  severity: 'doubt',
  title: 'a readiness probe that only connects, and so does not fail in the lame duck',
  *remarks(scene): Iterable<Remark> {
    for (const { workload, container, probe } of probed(scene, 'readiness')) {
      if (probe.kind !== 'tcpSocket') continue;
      yield {
        at: probe.targetAt,
        on: nameOf(workload, container),
        what: `${followers}: to connect succeeds for as long as the listener is open, through the whole lame duck.`,
        fix: `Ask the application: httpGet: { path: /health/ready, port: ${probe.port?.text ?? portFor(container)} }.`,
      };
    }
  },
};

export const readinessUnknown: Rule = {
  id: 'readiness-unknown',
  severity: 'doubt',
  title: 'a readiness probe (exec, gRPC) that may not ask the readiness indicator',
  *remarks(scene): Iterable<Remark> {
    for (const { workload, container, probe } of probed(scene, 'readiness')) {
      if (probe.kind === 'httpGet' || probe.kind === 'tcpSocket') continue;
      const means = { exec: 'it runs a command', grpc: 'it speaks gRPC', none: 'it asks nothing' }[probe.kind];
      yield {
        at: probe.at,
        on: nameOf(workload, container),
        what: `${followers}: ${means}, and whether it fails in the lame duck cannot be known here.`,
        fix: `See that it asks ReadinessHealthIndicator.isReady()${speaksHttp(container) ? `, or use httpGet: { path: /health/ready, port: ${portFor(container)} }` : ''}.`,
      };
    }
  },
};

/** An HTTP probe of a port of gRPC would fail for ever. */
function speaksHttp(container: Container): boolean {
  const [port] = container.ports.filter(takesRequests);
  return port === undefined || !(/grpc/i.test(port.name ?? '') || port.number === 50_051);
}

export const readinessRoot: Rule = {
  id: 'readiness-root',
  severity: 'doubt',
  title: "a readiness probe of '/', which is seldom a health route",
  *remarks(scene): Iterable<Remark> {
    for (const { workload, container, probe } of probed(scene, 'readiness')) {
      if (probe.path !== '/') continue;
      yield {
        at: probe.targetAt,
        on: nameOf(workload, container),
        what:
          `${followers}: a route at '/' that does not call ReadinessHealthIndicator.isReady() answers 200 through ` +
          'the whole lame duck.',
        fix: 'Ask for the health route: path: /health/ready.',
      };
    }
  },
};

/** Kubernetes asks no liveness of a pod that it deletes. */
export const sameProbe: Rule = {
  id: 'same-probe',
  severity: 'doubt',
  title: 'readiness and liveness ask for the same path',
  *remarks(scene): Iterable<Remark> {
    for (const { workload, container, probe } of probed(scene, 'liveness')) {
      const { readiness } = container;
      if (probe.kind === 'tcpSocket' || probe.kind === 'none') continue;
      if (readiness?.kind !== probe.kind || readiness.target !== probe.target) continue;
      const asked = probe.kind === 'httpGet' ? `path (${probe.path})` : 'question';
      yield {
        at: probe.targetAt,
        on: nameOf(workload, container),
        what:
          `Liveness and readiness ask the same ${asked}: what fails readiness, be it a slow database or a ` +
          'shutdown() that Kubernetes did not begin, has the container restarted with its work in flight.',
        fix: 'Ask for a path of its own that answers 200 while the process lives: path: /health/live.',
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
    for (const { workload, container, probe } of probed(scene, 'liveness')) {
      const [period, failures] = [probe.periodSeconds, probe.failureThreshold];
      if (period.value === undefined || failures.value === undefined) continue;
      const patienceMs = period.value * failures.value * 1_000;
      if (patienceMs >= closedMs) continue;
      yield {
        at: [period, failures].find(({ text }) => text !== undefined)?.at ?? probe.at,
        on: nameOf(workload, container),
        what:
          `Liveness gives up after ${period.value} × ${failures.value} = ` +
          `${seconds(patienceMs)}, and the listener may be closed for ${seconds(closedMs)} at the end ` +
          'of a shutdown (shutdown(), or a busy event loop): the container is restarted meanwhile.',
        fix: 'Set periodSeconds: 10 and failureThreshold: 3.',
      };
    }
  },
};

/** A pod has one network: another container may own the port. */
export const probePort: Rule = {
  id: 'probe-port',
  severity: 'doubt',
  title: 'a probe of a port that the container does not name',
  *remarks({ workloads }): Iterable<Remark> {
    for (const workload of workloads) {
      const others = [...workload.containers, ...workload.others].flatMap(({ ports }) => ports);
      for (const container of workload.containers) {
        if (container.ports.length === 0 || container.ports.some(({ number }) => number === undefined)) continue;
        const probes = [container.readiness, container.liveness, container.startup].filter(
          (each) => each !== undefined,
        );
        const strange = probes.find(({ port }) => port && isStrange(port.text, container, others));
        if (!strange) continue;
        const named = container.ports.map(({ name, number }) => (name ? `${name} (${number})` : number)).join(', ');
        yield {
          at: strange.port!.at,
          on: nameOf(workload, container),
          what: `The probe asks port ${strange.port!.text}, and the container names ${named}: it may fail for ever.`,
          fix: `Set port: ${portFor(container)} in the probes, or add the port to the container's ports.`,
        };
      }
    }
  },
};

/** A number is looked for in the whole pod, a name in the container alone; a placeholder is neither. */
function isStrange(port: string | undefined, container: Container, all: readonly Port[]): boolean {
  if (port === undefined || !/^[\w-]+$/.test(port)) return false;
  if (/^\d+$/.test(port)) return !all.some(({ number }) => number === Number(port));
  return !container.ports.some(({ name }) => name === port);
}

/** The containers that requests come to: those with a port for them, or the first where none names a port. */
function serving({ containers }: Workload): readonly Container[] {
  const withPorts = containers.filter(({ ports }) => ports.some(takesRequests));
  return withPorts.length > 0 ? withPorts : containers.slice(0, 1);
}

/** How a fix names the application's port, as the container does. */
function portFor({ ports }: Container): string {
  const port = ports.find(takesRequests) ?? ports[0];
  return port?.name ?? port?.text ?? '3000';
}

function probed(
  scene: Scene,
  name: 'readiness' | 'liveness',
): readonly { workload: Workload; container: Container; probe: Probe }[] {
  const asked = scene.workloads.filter((workload) => !isServerless(workload) && isServing(scene, workload));
  return asked.flatMap((workload) =>
    workload.containers.flatMap((container) => {
      const probe = container[name];
      return probe ? [{ workload, container, probe }] : [];
    }),
  );
}
