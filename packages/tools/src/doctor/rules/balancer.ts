import { keepAliveOf, nodeKeepAliveMs, seconds } from '../application.js';
import { drainingTimes, idleTimes } from '../read/balancers.js';
import { workloadsBehind } from '../read/routes.js';
import { type Remark, type Rule } from '../rule.js';

/**
 * The side that closes an idle connection first must be the balancer. A doubt, when the application's side is not known
 * and the balancer's is given; nothing, when neither is.
 */
export const keepAlive: Rule = {
  id: 'keep-alive',
  severity: 'fault',
  title: "keep-alive shorter than the balancer's idle timeout",
  *remarks(scene): Iterable<Remark> {
    for (const { object, at, name, ms, isGiven } of idleTimes(scene)) {
      const known = workloadsBehind(scene, object).map((workload) => keepAliveOf(scene.application, workload));
      const shortest = Math.min(...known.map((each) => each ?? (isGiven ? nodeKeepAliveMs : Infinity)));
      if (shortest > ms) continue;
      const isKnown = known.includes(shortest);
      const keeps = isKnown
        ? `the application for ${seconds(shortest)}`
        : `Node for ${seconds(shortest)} unless main.ts says otherwise`;
      yield {
        at,
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
    const lameDuckMs = scene.application.budget.lameDuckMaxMs;
    const needMs = lameDuckMs + scene.application.budget.drainMs;
    for (const { object, at, name, ms } of drainingTimes(scene)) {
      if (ms >= needMs || workloadsBehind(scene, object).length === 0) continue;
      yield {
        at,
        what:
          `${name} is ${ms / 1_000}: the balancer cuts requests that the application would still ` +
          `finish, for up to ${seconds(needMs)}.`,
        fix: `Set it to ${Math.ceil(needMs / 1_000)}.`,
      };
    }
  },
};
