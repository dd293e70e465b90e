import { keepAliveOf, nodeKeepAliveMs, seconds } from '../application.js';
import { type Container, type Workload } from '../model.js';
import { drainingTimes, idleTimes } from '../read/balancers.js';
import { roleOf } from '../read/images.js';
import { servicesOf, serversOf, workloadsBehind } from '../read/routes.js';
import { nameOf, type Remark, type Rule } from '../rule.js';

/** How proxies are told to stay while somebody still needs them: of Cloud SQL, Istio, Envoy, Dapr. */
const waits =
  /^-{1,2}(m(ax|in)-sigterm-delay|term_timeout)\b|SIGTERM_DELAY|EXIT_ON_ZERO_ACTIVE_CONNECTIONS|(termination|d)rain(ing)?-?duration|block-shutdown-duration|drain-time-s/i;

/**
 * The side that closes an idle connection first must be the balancer. A doubt, when the application's side is not known:
 * Node's own is assumed then.
 */
export const keepAlive: Rule = {
  id: 'keep-alive',
  severity: 'fault',
  title: "keep-alive shorter than the balancer's idle timeout",
  *remarks(scene): Iterable<Remark> {
    for (const { object, at, name, ms, isCertain } of idleTimes(scene)) {
      const known = workloadsBehind(scene, object).map((workload) => keepAliveOf(scene.application, workload));
      const shortest = Math.min(...known.map((each) => each ?? (isCertain ? nodeKeepAliveMs : Infinity)));
      if (shortest > ms) continue;
      const isKnown = known.includes(shortest);
      const keeps = isKnown
        ? `the application for ${seconds(shortest)}`
        : `Node for ${seconds(shortest)} unless main.ts says otherwise`;
      yield {
        at,
        on: { kind: object.kind, name: object.name },
        severity: isKnown ? 'fault' : 'doubt',
        what:
          `An idle connection is kept by ${name} for ${seconds(ms)}, by ${keeps}: the one that closes ` +
          'first must be the balancer, or it loses requests, shutdown or not.',
        fix:
          'Set app.getHttpServer().keepAliveTimeout = ' +
          `${ms + 15_000}${isKnown ? '' : `, and tell: --keep-alive-ms ${ms + 15_000}`}.`,
      };
    }
  },
};

export const balancerDraining: Rule = {
  id: 'balancer-draining',
  severity: 'doubt',
  title: "a balancer's draining time under lame duck and drain",
  *remarks(scene): Iterable<Remark> {
    const { lameDuckMaxMs, drainMs } = scene.application.budget;
    const needMs = lameDuckMaxMs + drainMs;
    for (const { object, at, name, ms, write } of drainingTimes(scene)) {
      if (ms >= needMs || workloadsBehind(scene, object).length === 0) continue;
      yield {
        at,
        on: { kind: object.kind, name: object.name },
        what:
          `${name} is ${ms / 1_000}: the balancer cuts requests that the application would still ` +
          `finish, for up to ${seconds(needMs)}.`,
        fix: `Set ${write(Math.ceil(needMs / 1_000))}.`,
      };
    }
  },
};

/** The balancer goes on sending to a node until its own check of the node has failed. */
export const trafficPolicyLocal: Rule = {
  id: 'traffic-policy-local',
  severity: 'doubt',
  title: 'externalTrafficPolicy: Local, by which a node without a ready pod drops what it gets',
  *remarks(scene): Iterable<Remark> {
    if (scene.application.budget.options.readiness === 'after-lame-duck') return;
    for (const workload of serversOf(scene)) {
      for (const { kind, name, field } of servicesOf(scene, workload)) {
        const policy = field.get('spec', 'externalTrafficPolicy');
        if (policy.text !== 'Local') continue;
        yield {
          at: policy.place,
          on: { kind, name },
          what:
            'With externalTrafficPolicy: Local the balancer sends to a node until its check of the node has failed, ' +
            `and the last pod of ${workload.kind} ${workload.name} there is the only one that may answer: once its ` +
            'readiness fails, what still comes is dropped.',
          fix: "Set externalTrafficPolicy: Cluster, or readiness: 'after-lame-duck' in the module's options.",
        };
      }
    }
  },
};

/** What stands between the application and others gets the signal at the same time. */
export const sidecarQuits: Rule = {
  id: 'sidecar-quits',
  severity: 'doubt',
  title: 'a proxy or a store beside the application, which ends at the same signal',
  *remarks(scene): Iterable<Remark> {
    for (const workload of scene.workloads) {
      if (!workload.pods) continue;
      for (const other of workload.others) {
        if (!mayQuit(other, workload)) continue;
        yield {
          at: other.at,
          on: nameOf(workload, other),
          what:
            'It gets SIGTERM when the application does, and may end at once: what the application reaches through ' +
            'it is cut off during lame duck and drain.',
          fix: 'Move it to initContainers with restartPolicy: Always, which Kubernetes stops after the application.',
        };
      }
    }
  },
};

/** Reports whether a container that the application works through may end before it, as far as the file tells. */
function mayQuit({ image, start, env, preStop }: Container, { pods }: Workload): boolean {
  const role = roleOf(image);
  if ((role !== 'proxy' && role !== 'store') || preStop) return false;
  const words = [...(start?.entrypoint ?? []), ...(start?.command ?? []), ...env.keys()];
  const annotations = pods?.template.get('metadata', 'annotations').entries() ?? [];
  const said = [...words, ...annotations.map(([key, { text = '' }]) => `${key}=${text}`)];
  return !said.some((each) => waits.test(each));
}
