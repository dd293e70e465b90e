import 'reflect-metadata';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { EventPattern, MessagePattern } from '@nestjs/microservices';
import { DrainCore } from '../../../src/drain-core.js';
import { type TransportDrainable } from '../../../src/drainables/microservices/shared/transport-drainable.js';
import { type TransportServer } from '../../../src/drainables/microservices/shared/transport.js';
import { AllowDuringShutdown } from '../../../src/index.js';
import { TransportFinder } from '../../../src/nest/transport-finder.js';
import { resolveOptions } from '../../../src/options/resolve-options.js';
import { FakeClock } from '../../support/fake-clock.js';
import { Gate } from '../../support/gate.js';
import { FakeModules } from './fake-modules.js';

/** Nest's, as far as it tells of transports. */
class Modules extends FakeModules {
  private readonly watchers = new Set<(server: TransportServer) => void>();

  getRpcTargetRegistry() {
    return {
      subscribe: (next: (server: TransportServer) => void) => {
        this.watchers.add(next);
        return { unsubscribe: () => void this.watchers.delete(next) };
      },
    };
  }

  connect(server: object): void {
    for (const next of this.watchers) next(server);
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

let core: DrainCore;
let modules: Modules;
let steps: string[];
let drained: Gate;
let hasHttp: boolean;
let attached: jest.SpiedFunction<DrainCore['transports']['attach']>;

beforeEach(() => {
  core = new DrainCore(resolveOptions({}), new FakeClock(), {});
  modules = new Modules();
  steps = [];
  drained = new Gate();
  hasHttp = false;
  const disconnect = (close: () => unknown): unknown => {
    steps.push('disconnect');
    return close();
  };
  attached = jest.spyOn(core.transports, 'attach').mockReturnValue({ disconnect } as TransportDrainable);
});

function started(): TransportFinder {
  const begin = async () => {
    steps.push('begin');
    await drained.pass();
  };
  const finder = new TransportFinder(
    core,
    modules.container,
    () => hasHttp,
    begin,
    () => steps.push('all listen'),
  );
  finder.start();
  return finder;
}

class Server {
  async close(...args: unknown[]): Promise<string> {
    steps.push(['close', ...args].join(' '));
    return 'closed';
  }
}

describe('The finder of transports', () => {
  it('meets each server that Nest tells of, until it is stopped', () => {
    const [server, late] = [new Server(), new Server()];
    const finder = started();
    modules.connect(server);
    finder.stop();
    modules.connect(late);
    expect(attached.mock.calls.map(([each]) => each)).toEqual([server]);
  });

  it('tells when all of them listen', () => {
    class Listening extends Server {
      listens!: (error?: unknown) => void;
      listen(listens: (error?: unknown) => void) {
        this.listens = listens;
      }
    }
    const servers = [new Listening(), new Listening()];
    started();
    servers.forEach((server) => modules.connect(server));
    servers.forEach((server, index) => server.listen((error) => steps.push(`${index} ${error ? 'fails' : 'listens'}`)));
    servers[0]!.listens();
    servers[1]!.listens(new Error('in use'));
    servers[1]!.listens();
    servers[1]!.listens();
    expect(steps).toEqual(['0 listens', '1 fails', 'all listen', '1 listens', '1 listens']);
  });

  it('leaves alone what is under drain already', async () => {
    attached.mockReturnValue(undefined);
    const server = new Server();
    started();
    modules.connect(server);
    await server.close();
    expect(steps).toEqual(['close']);
  });

  it('drains before a server closes, once, and lets answers be handed over in between', async () => {
    const server = new Server();
    started();
    modules.connect(server);
    const closed = server.close('now');
    expect(server.close('again')).toBe(closed);
    await drained.entered;
    expect(steps).toEqual(['begin']);
    drained.release();
    for (let ticks = 0; ticks < 5; ticks++) await Promise.resolve();
    expect(steps).toEqual(['begin']);
    expect(await closed).toBe('closed');
    expect(steps).toEqual(['begin', 'disconnect', 'close now']);
  });

  it('does not drain where there is HTTP: Nest closes its transports when it has closed that', async () => {
    hasHttp = true;
    const server = new Server();
    started();
    modules.connect(server);
    const closed = server.close();
    await turn();
    await closed;
    expect(steps).toEqual(['disconnect', 'close']);
  });

  it('says of a pattern whether its handler is served during shutdown, and looks for that once', () => {
    class Controller {
      @AllowDuringShutdown()
      @MessagePattern('health')
      health() {}

      @AllowDuringShutdown()
      @EventPattern(['first', { cmd: 'second' }])
      several() {}

      @MessagePattern('place')
      place() {}
    }
    modules.control(null);
    modules.control(Controller);
    started();
    modules.connect(new Server());
    const isAllowed = attached.mock.calls[0]![1];
    const patterns = ['health', 'first', { cmd: 'second' }, { cmd: 'third' }, 'place', undefined];
    expect(patterns.map(isAllowed)).toEqual([true, true, true, false, false, false]);
    const looks = jest.spyOn(modules, 'values');
    isAllowed('health');
    expect(looks).not.toHaveBeenCalled();
  });
});
