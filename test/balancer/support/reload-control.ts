import { StrictClients, type Replica, type TrafficReport } from '../../../packages/tools/src/drill/index.js';
import { sleep } from '../../../packages/tools/src/drill/timing.js';
import { readinessPath, startReplica, type AdapterName } from './cell.js';
import { mix } from './mix.js';
import { Nginx } from './nginx.js';

const reloads = 8;
const pauseMs = 400;

/** Reloads nginx again and again and rolls nothing: what is lost here is nginx's loss. */
export async function reloadWithoutRolling(adapter: AdapterName, main: string): Promise<TrafficReport> {
  const replicas: Replica[] = [];
  const balancer = await Nginx.start({ readinessPath });
  const clients = new StrictClients({ url: balancer.url, clients: 40, thinkMs: 20, mix });
  try {
    for (const number of [1, 2, 3]) {
      const replica = await startReplica(main, { adapter, manner: 'with' }, number);
      replicas.push(replica);
      await balancer.add(replica);
      await balancer.whenInRotation(replica);
    }
    void clients.run();
    for (let reload = 0; reload < reloads; reload++) {
      await sleep(pauseMs);
      await balancer.reload();
    }
    return await clients.stop();
  } finally {
    await clients.stop();
    await balancer.close();
    await Promise.all(replicas.map((replica) => replica.stop('SIGKILL')));
  }
}
