import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { addressOf, type Backend, type Balancer } from './balancer.js';
import { probe } from './probe.js';
import { checkDurationMs, sleep } from './timing.js';

export interface TcpBalancerOptions {
  /** @default '127.0.0.1' */
  readonly host?: string;
  /** @default 0, any free port */
  readonly port?: number;
  /** The path that is probed over HTTP. */
  readonly readinessPath: string;
  /** Reports whether an answer to a probe is that of a backend that is ready. @default 200 is, everything else is not */
  readonly isReady?: (status: number | undefined) => boolean;
  /** The pause between two probes of a backend. @default 100 */
  readonly probePeriodMs?: number;
  /** A probe without an answer for this long has failed. @default 1_000 */
  readonly probeTimeoutMs?: number;
  /** How long new connections still go to a backend after its first failed probe. @default 0 */
  readonly lagMs?: number;
  /** Called after every change of a backend's state. */
  readonly onChange?: (member: MemberState) => void;
  /** Called after every probe, with the status it was answered; `undefined` when there was no answer. */
  readonly onProbe?: (backend: Backend, status: number | undefined) => void;
}

/**
 * Where a backend stands:
 *
 * - `joining`: added, not ready yet; leaves to `in-rotation` with its first successful probe;
 * - `in-rotation`: gets its share of new connections; leaves to `leaving` with a failed probe;
 * - `leaving`: a probe failed, the lag runs and it *still* gets its share; back to `in-rotation` when ready again;
 * - `out`: the lag is over, or it was removed; back to `in-rotation` when ready again, unless removed.
 */
export type Rotation = 'joining' | 'in-rotation' | 'leaving' | 'out';

export interface MemberState {
  readonly backend: Backend;
  readonly rotation: Rotation;
  readonly openConnections: number;
  readonly totalConnections: number;
}

interface Member {
  readonly backend: Backend;
  readonly watch: AbortController;
  readonly waiting: { resolve: () => void; reject: (reason: Error) => void }[];
  rotation: Rotation;
  /** It was deregistered: whatever it answers, it does not come back. */
  isLeavingForGood: boolean;
  lag?: NodeJS.Timeout;
  openConnections: number;
  totalConnections: number;
}

/**
 * Spreads new TCP connections over the backends that are in rotation, one after the other, and carries bytes both ways.
 * It works as a Kubernetes Service does: a connection stays where it was put, and readiness is noticed late.
 *
 * It adds no failure of its own and hides none: FIN is passed on as FIN, a reset as a reset, nothing times out and
 * nothing is retried. A client whose backend refuses the connection, or for whom no backend is left, is disconnected.
 */
export class TcpBalancer implements Balancer {
  private readonly members = new Map<string, Member>();
  private readonly sockets = new Set<Socket>();
  private readonly servedBy = new Map<number, Backend>();
  private readonly probePeriodMs: number;
  private readonly probeTimeoutMs: number;
  private readonly refusedPorts = new Map<number, boolean>();
  private lagMs: number;
  private turn = 0;
  private closed?: Promise<void>;

  private constructor(
    private readonly server: Server,
    private readonly options: TcpBalancerOptions,
  ) {
    this.probePeriodMs = checkDurationMs('probePeriodMs', options.probePeriodMs ?? 100, 1);
    this.probeTimeoutMs = checkDurationMs('probeTimeoutMs', options.probeTimeoutMs ?? 1_000, 1);
    this.lagMs = checkDurationMs('lagMs', options.lagMs ?? 0);
    server.on('connection', (client: Socket) => this.serve(client));
  }

  /** Resolves when the balancer listens; rejects when it cannot, or when an option is out of range. */
  static async listen(options: TcpBalancerOptions): Promise<TcpBalancer> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    const balancer = new TcpBalancer(server, options);
    server.listen(options.port ?? 0, options.host ?? '127.0.0.1');
    await once(server, 'listening');
    return balancer;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://${this.options.host ?? '127.0.0.1'}:${this.port}`;
  }

  async add(backend: Backend): Promise<void> {
    if (this.members.has(addressOf(backend))) return;
    const member: Member = {
      backend,
      watch: new AbortController(),
      waiting: [],
      rotation: 'joining',
      isLeavingForGood: false,
      openConnections: 0,
      totalConnections: 0,
    };
    this.members.set(addressOf(backend), member);
    void this.probe(member);
  }

  async remove(backend: Backend): Promise<void> {
    const member = this.members.get(addressOf(backend));
    if (!member) return;
    this.members.delete(addressOf(backend));
    this.forget(member);
  }

  /**
   * Deregisters a backend, as a control plane does: it is out of rotation after the lag, however ready it is. Later
   * calls change nothing.
   */
  deregister(backend: Backend): void {
    const member = this.members.get(addressOf(backend));
    if (!member) return;
    member.isLeavingForGood = true;
    if (member.rotation === 'joining') this.move(member, 'out');
    if (member.rotation === 'in-rotation') this.leaveAfterLag(member);
  }

  /** For backends that begin to leave from now on. */
  setLag(lagMs: number): void {
    this.lagMs = checkDurationMs('lagMs', lagMs);
  }

  isInRotation(backend: Backend): boolean {
    const member = this.members.get(addressOf(backend));
    return member !== undefined && takesConnections(member);
  }

  async whenInRotation(backend: Backend): Promise<void> {
    const member = this.members.get(addressOf(backend));
    if (!member) throw new Error(`${addressOf(backend)} is not a backend of this balancer: add it first.`);
    if (takesConnections(member)) return;
    await new Promise<void>((resolve, reject) => member.waiting.push({ resolve, reject }));
  }

  backendOf(clientPort: number): Backend | undefined {
    return this.servedBy.get(clientPort);
  }

  /**
   * Reports whether the client connection last opened from this local port was dropped because its backend refused it,
   * or none was left.
   */
  wasRefused(clientPort: number): boolean {
    return this.refusedPorts.get(clientPort) ?? false;
  }

  /** Every backend that has not been removed, in the order they were added. */
  state(): readonly MemberState[] {
    return [...this.members.values()].map(stateOf);
  }

  close(): Promise<void> {
    return (this.closed ??= this.shutDown());
  }

  private async shutDown(): Promise<void> {
    const listenerClosed = once(this.server, 'close');
    this.server.close();
    for (const member of this.members.values()) this.forget(member);
    this.members.clear();
    for (const socket of this.sockets) socket.destroy();
    await listenerClosed;
  }

  private forget(member: Member): void {
    member.watch.abort();
    this.move(member, 'out');
    for (const { reject } of member.waiting.splice(0)) {
      reject(new Error(`${addressOf(member.backend)} was removed before it was in rotation.`));
    }
  }

  private async probe(member: Member): Promise<void> {
    const { signal } = member.watch;
    while (!signal.aborted) {
      const status = await probe(member.backend, this.options.readinessPath, this.probeTimeoutMs, signal);
      if (signal.aborted) return;
      this.options.onProbe?.(member.backend, status);
      const isReady = this.options.isReady?.(status) ?? status === 200;
      if (isReady && !member.isLeavingForGood) this.move(member, 'in-rotation');
      else if (!isReady && member.rotation === 'in-rotation') this.leaveAfterLag(member);
      await sleep(this.probePeriodMs, signal);
    }
  }

  private leaveAfterLag(member: Member): void {
    this.move(member, 'leaving');
    member.lag = setTimeout(() => this.move(member, 'out'), this.lagMs);
  }

  private move(member: Member, rotation: Rotation): void {
    if (member.rotation === rotation) return;
    clearTimeout(member.lag);
    member.rotation = rotation;
    if (rotation === 'in-rotation') for (const { resolve } of member.waiting.splice(0)) resolve();
    this.options.onChange?.(stateOf(member));
  }

  private serve(client: Socket): void {
    this.track(client);
    const member = this.next();
    this.noteRefusal(client, !member);
    if (!member) {
      client.on('error', () => undefined);
      client.destroy();
      return;
    }
    if (client.remotePort !== undefined) this.servedBy.set(client.remotePort, member.backend);
    member.openConnections++;
    member.totalConnections++;
    client.once('close', () => member.openConnections--);
    this.carry(client, member.backend);
  }

  private next(): Member | undefined {
    const serving = [...this.members.values()].filter(takesConnections);
    return serving[this.turn++ % serving.length];
  }

  private carry(client: Socket, { host, port }: Backend): void {
    const upstream = connect({ host, port, allowHalfOpen: true, noDelay: true });
    this.track(upstream);
    // `pipe` ends the other side when this side's FIN comes, and both sides stay half open until theirs has come too.
    client.pipe(upstream);
    upstream.pipe(client);
    let established = false;
    upstream.once('connect', () => (established = true));
    client.on('error', () => reset(upstream));
    upstream.on('error', () => {
      if (established) return reset(client);
      this.noteRefusal(client, true);
      client.destroy();
    });
    // Without an error only `close()` takes a socket away before its other end has finished.
    client.once('close', () => !client.readableEnded && upstream.destroy());
    upstream.once('close', () => !upstream.readableEnded && client.destroy());
  }

  private noteRefusal({ remotePort }: Socket, refused: boolean): void {
    if (remotePort !== undefined) this.refusedPorts.set(remotePort, refused);
  }

  private track(socket: Socket): void {
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
  }
}

/** During the lag a backend still gets its share: that is what makes the lag. */
function takesConnections({ rotation }: Member): boolean {
  return rotation === 'in-rotation' || rotation === 'leaving';
}

function stateOf({ backend, rotation, openConnections, totalConnections }: Member): MemberState {
  return { backend, rotation, openConnections, totalConnections };
}

function reset(socket: Socket): void {
  // The kernel refuses a reset while a FIN is on its way, and Node would then hold the socket for ever.
  if (socket.connecting || (socket.writableEnded && !socket.writableFinished)) socket.destroy();
  else socket.resetAndDestroy();
}
