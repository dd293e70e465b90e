import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Exchange, play, type Script } from './client.js';
import { textOf } from './compare.js';
import { type FromServer, type VariantName } from './messages.js';
import { messageOf, requestsOf } from './requests.js';
import { type Application } from './table.js';

type Message<T extends FromServer['type']> = Extract<FromServer, { type: T }>;

/** What was seen of one application: a text for each request, and for what it said. */
export type Observations = ReadonlyMap<string, string>;

/** An application that does not come up, or does not go, within this has failed. */
const patienceMs = 60_000;
/** How long a process may stay after its application has been closed. */
const afterCloseMs = 10_000;

/** One application in a process of its own. */
export class ApplicationProcess {
  private readonly output: string[] = [];
  private readonly received: FromServer[] = [];
  private readonly exited: Promise<string>;
  private port = 0;
  private asked = 0;

  private constructor(private readonly child: ChildProcess) {
    child.stdout!.on('data', (chunk) => this.output.push(String(chunk)));
    child.stderr!.on('data', (chunk) => this.output.push(String(chunk)));
    child.on('message', (message) => this.received.push(message as FromServer));
    this.exited = once(child, 'exit').then(([code, signal]) => String(signal ?? code));
  }

  static async start({ name, execArgv = [] }: Application, adapter: string, variant: VariantName) {
    const server = fileURLToPath(new URL('./main.js', import.meta.url));
    const { KUBERNETES_SERVICE_HOST: _, NODE_TEST_CONTEXT: __, ...env } = process.env;
    const child = fork(server, [name, adapter, variant], { execArgv: [...execArgv], silent: true, env });
    const started = new ApplicationProcess(child);
    started.port = (await started.next('listening')).port;
    return started;
  }

  /** Asks all requests, one after another. */
  async observe({ requests, hasLogCompared }: Pick<Application, 'requests' | 'hasLogCompared'>): Promise<Observations> {
    const observations = new Map<string, string>();
    for (const { name, script, varying } of requestsOf(requests)) {
      const times = [...observations.keys()].filter((each) => each.replace(/ again \d+$/, '') === name).length;
      observations.set(times > 0 ? `${name} again ${times}` : name, textOf(await this.play(script), varying));
    }
    this.tell('facts');
    const { log, unhandled, warnings } = await this.next('facts');
    const others = log.filter((line) => !/\b(GracefulShutdown|Observer)Module\b/.test(line));
    if (hasLogCompared) observations.set('log at bootstrap', others.join('\n'));
    observations.set('unhandled rejections', unhandled.join('\n'));
    observations.set('warnings', warnings.join('\n'));
    observations.set('output', this.output.join('').replace(/\(node:\d+\)/g, '(node)'));
    return observations;
  }

  /**
   * Stops the application with a request in flight: it must be answered wholly, and the report be clean. Returns what
   * was wrong.
   */
  async roll(by: 'SIGTERM' | 'app.close()'): Promise<string[]> {
    const idle = this.play({ parts: [messageOf('GET /nowhere'), ''], answersToHead: [false, false] });
    const held = this.play({ parts: [messageOf('GET /held')], answersToHead: [false] });
    await this.next('held');
    if (by === 'SIGTERM') this.child.kill('SIGTERM');
    else this.tell('close');
    await this.next('draining');
    this.tell('release');
    const { answers } = await held;
    const { report } = await this.next('report');
    await idle;
    const ended = await this.end();
    const body = answers[0]?.body.toString();
    return [
      ...(body === 'held until now' ? [] : [`the request in flight got ${body ?? 'no answer'}`]),
      ...(report.clean ? [] : [`the report is not clean: ${JSON.stringify(report)}`]),
      ...(ended === (by === 'SIGTERM' ? 'SIGTERM' : '0') ? [] : [`the process ended with ${ended}`]),
    ];
  }

  /** Closes the application. Returns how its process ended. */
  async close(): Promise<string> {
    this.tell('close');
    return this.end();
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  private async end(): Promise<string> {
    const ended = await withTimeout(this.exited, afterCloseMs);
    if (ended === undefined) this.kill();
    return ended ?? 'nothing: it stayed';
  }

  private play(script: Script): Promise<Exchange> {
    return play(this.port, script, () => this.awake());
  }

  /** Resolves when the process has been awake for a second, or has ended. */
  private async awake(): Promise<void> {
    const number = ++this.asked;
    if (!this.child.connected) return;
    this.child.send({ type: 'awake', number });
    await this.next('awake', (message) => message.number === number).catch(() => undefined);
  }

  private tell(type: 'facts' | 'release' | 'close'): void {
    this.child.send({ type });
  }

  private async next<T extends FromServer['type']>(
    type: T,
    test: (message: Message<T>) => boolean = () => true,
  ): Promise<Message<T>> {
    const find = () =>
      this.received.find((message): message is Message<T> => message.type === type && test(message as Message<T>));
    const seen = new Promise<Message<T>>((resolve) => {
      const look = (): void => {
        const message = find();
        if (!message) return;
        this.child.off('message', look);
        resolve(message);
      };
      this.child.on('message', look);
      look();
    });
    const message = await withTimeout(Promise.race([seen, this.exited]), patienceMs);
    if (typeof message === 'object') return message;
    this.kill();
    throw new Error(
      `Expected '${type}', got ${message ? `an exit (${message})` : 'nothing'}.\n${this.output.join('')}`,
    );
  }
}

async function withTimeout<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), ms)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
