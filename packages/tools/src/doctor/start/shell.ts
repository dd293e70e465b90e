import {
  type ArithmeticFor,
  type Command,
  type CommandNode,
  type For,
  parse,
  type PipelineNode,
  type Select,
  type Statement,
  type While,
} from 'unbash';
import {
  bodyOf,
  type End,
  isProgram,
  isTrivial,
  kept,
  type Node,
  open,
  type Outcome,
  type ShellRun,
  staying,
} from './ends.js';
import { type Passing } from './step.js';
import { assignedBy, type Trap, trapOf, trappedPassing, wordsOf } from './shell-words.js';

/** Functions may call themselves. */
const deepest = 8;

/** The commands that a script may end in: one for each of its branches. */
export function endsOf(text: string, run: ShellRun): readonly End[] {
  return new Walk(text.replace(/\r\n/g, '\n'), run).ends();
}

/** Reads a script once, from its first command to its last. */
class Walk {
  private readonly functions = new Map<string, readonly Statement[]>();
  private readonly variables = new Map<string, string>();
  private readonly traps: Trap[] = [];
  private parameters: readonly (readonly string[] | undefined)[];
  private waits = 0;
  /** `set -e`: a `wait` that a signal interrupts ends the script. */
  private isErrexit = false;
  private depth = 0;

  constructor(
    private readonly text: string,
    private readonly run: ShellRun,
  ) {
    this.parameters = [run.parameters];
  }

  ends(): readonly End[] {
    const { commands, errors } = parse(this.text);
    if (errors?.length) {
      const why = `a shell cannot read it (${errors[0]!.message})`;
      return [{ words: [], passing: 'unknown', why, isExec: false, text: this.text.trim(), line: 1 }];
    }
    return this.list(commands, true).ends;
  }

  /** @param isTail whether the shell ends with this list */
  private list(statements: readonly Statement[], isTail: boolean): Outcome {
    const ends: End[] = [];
    const background: Statement[] = [];
    // `exit $?` and `echo` after it: what serves stands before them.
    const last = statements.findLastIndex(({ command }) => !isTrivial(command));
    for (const [index, statement] of statements.entries()) {
      if (statement.background) {
        background.push(statement);
        continue;
      }
      const isServer = isTail && index === last && background.length === 0;
      const outcome = this.node(statement.command, isServer);
      ends.push(...(index < statements.length - 1 ? outcome.ends.map(staying) : outcome.ends));
      if (outcome.isClosed) return { ends, isClosed: true };
    }
    if (isTail && background.length > 0) ends.push(...this.besideBackground(background, statements[last]));
    return { ends, isClosed: false };
  }

  private node(node: Node, isTail: boolean): Outcome {
    switch (node.type) {
      case 'Command':
        return this.command(node, isTail);
      case 'Function':
        this.functions.set(node.name.value, 'commands' in node.body ? node.body.commands : bodyOf(node.body));
        return open;
      case 'Redirected':
        return this.node(node.command, isTail);
      case 'AndOr':
        return this.andOr(node.commands, node.operators, isTail);
      case 'Pipeline':
        return this.pipeline(node.commands, isTail);
      case 'If': {
        this.list(node.clause.commands, false);
        const branches = [node.then, ...node.elif.map(({ then }) => then), ...(node.else ? [node.else] : [])];
        return this.branches(
          branches.map(({ commands }) => commands),
          node.else !== undefined,
          isTail,
        );
      }
      case 'Case': {
        const hasDefault = node.items.some(({ pattern }) => pattern.some(({ value }) => value === '*'));
        return this.branches(
          node.items.map(({ body }) => body.commands),
          hasDefault,
          isTail,
        );
      }
      case 'BraceGroup':
        return this.inside(() => this.list(node.body.commands, isTail));
      case 'Subshell': {
        const { ends } = this.inside(() => this.list(node.body.commands, isTail));
        const isReplaced = this.run.shell === 'busybox' && !this.run.isFile && isTail;
        return { ends: isReplaced ? ends : ends.map((end) => kept(end, 'it waits for a subshell')), isClosed: false };
      }
      case 'While':
      case 'For':
      case 'Select':
      case 'ArithmeticFor':
        return this.loop(node, isTail);
      case 'TestCommand':
      case 'ArithmeticCommand':
      case 'Coproc':
        return open;
    }
  }

  private command(node: Command, isTail: boolean): Outcome {
    for (const each of node.prefix) {
      if (each.type !== 'Assignment' || node.name || each.value.type !== 'Word') continue;
      this.variables.set(each.name, each.value.value);
    }
    if (!node.name) return open;
    const { words, hasParameters } = wordsOf(node, this.variables);
    const [name = '', ...rest] = words;
    switch (name) {
      case 'exec': {
        const start = rest.findIndex((word, at) => !word.startsWith('-') && rest[at - 1] !== '-a');
        if (start === -1) return open; // `exec 2>&1` redirects the shell itself
        const command = [...assignedBy(node), ...rest.slice(start)];
        return { ends: this.each(node, command, hasParameters, 'execs', undefined, true), isClosed: true };
      }
      case 'exit':
      case 'return':
        return { ends: [], isClosed: true };
      case 'trap':
        this.traps.push(...trapOf(rest, (called) => this.functions.get(called), this.text));
        return open;
      case 'wait':
        this.waits++;
        return open;
      case 'set':
        if (rest.some((word) => /^-\w*e\w*$/.test(word))) this.isErrexit = true;
        if (rest.includes('--')) this.set(rest.slice(rest.indexOf('--') + 1));
        return open;
      case 'eval':
        return this.nested(rest.join(' '), isTail);
      case '.':
      case 'source': {
        const script = this.run.sourced?.(rest[0] ?? '');
        return script ? this.nested(script.text, isTail) : open;
      }
    }
    const body = this.functions.get(name);
    if (body && this.depth < deepest) {
      const before = this.parameters;
      this.set(rest);
      this.depth++;
      const outcome = this.list(body, isTail);
      this.depth--;
      this.parameters = before;
      return { ends: outcome.ends.map(staying), isClosed: outcome.isClosed };
    }
    if (!isTail) return open;
    const isTrapped = this.traps.length > 0;
    const passing = isTrapped ? 'swallows' : this.passingOfLast(node.redirects.length > 0);
    const why = isTrapped ? 'its trap waits until the command in the foreground has ended' : undefined;
    return { ends: this.each(node, [...assignedBy(node), ...words], hasParameters, passing, why), isClosed: false };
  }

  /** What becomes of the last simple command; measured with dash 0.5.12, bash 5.2 and BusyBox 1.35. */
  private passingOfLast(isRedirected: boolean): Passing {
    if (this.run.isFile) return 'swallows';
    switch (this.run.shell) {
      case 'busybox':
        // It looks for the end of the text right after the command (parser_eof() of its evalstring()).
        return /\n\s*$/.test(this.text) ? 'unknown' : 'execs';
      case 'bash':
        return isRedirected || this.depth > 0 || this.isNested ? 'swallows' : 'execs';
      case 'unknown':
        return 'unknown';
      case 'dash':
      case 'unsaid':
        return 'swallows';
    }
  }

  /** Whether the command stands in an `if`, a `case` or a group. */
  private isNested = false;

  private branches(lists: readonly (readonly Statement[])[], isComplete: boolean, isTail: boolean): Outcome {
    const before = this.parameters;
    const after = new Set(isComplete ? [] : before);
    const outcomes = lists.map((commands) => {
      this.parameters = before;
      const outcome = this.inside(() => this.list(commands, isTail));
      for (const each of this.parameters) after.add(each);
      return outcome;
    });
    this.parameters = [...after];
    return {
      ends: outcomes.flatMap(({ ends }) => ends),
      isClosed: isComplete && outcomes.every(({ isClosed }) => isClosed),
    };
  }

  private andOr(nodes: readonly PipelineNode[], operators: readonly string[], isTail: boolean): Outcome {
    const last = nodes.length - 1;
    // `node main.js || exit 1`: what stands before is what serves, and the shell waits for it.
    const isGuard = operators.at(-1) === '||' && isTrivial(nodes[last]!);
    const before = this.waits;
    const ends: End[] = [];
    let isClosed = false;
    for (const [index, node] of nodes.entries()) {
      const isServer = isTail && index === (isGuard ? last - 1 : last);
      const outcome = this.node(node, isServer);
      ends.push(...(isGuard && isServer ? outcome.ends.map(staying) : outcome.ends));
      isClosed = outcome.isClosed && (index === 0 || operators.every((operator) => operator === '&&'));
      if (isClosed && index === 0) break;
    }
    // `wait $p || true` goes on where `set -e` would end it.
    if (isGuard && this.waits > before) this.isErrexit = false;
    return { ends, isClosed: isClosed && isTail };
  }

  private pipeline(nodes: readonly CommandNode[], isTail: boolean): Outcome {
    if (!isTail) return open;
    const { ends } = this.inside(() => this.node(nodes[0]!, true));
    const why = nodes.length > 1 ? 'a pipe keeps it in between' : 'it waits for the exit code';
    return { ends: ends.map((end) => kept(end, why)), isClosed: false };
  }

  private loop(node: While | For | Select | ArithmeticFor, isTail: boolean): Outcome {
    const before = this.waits;
    if ('clause' in node) this.list(node.clause.commands, false);
    const { ends } = this.inside(() => this.list(node.body.commands, isTail));
    if (this.waits > before) this.waits++; // it waits again and again
    return { ends: ends.map((end) => (end.isExec ? end : kept(end, 'it starts it in a loop'))), isClosed: false };
  }

  private nested(text: string, isTail: boolean): Outcome {
    const { commands, errors } = parse(text);
    if (errors?.length || this.depth >= deepest) return open;
    this.depth++;
    const outcome = this.list(commands, isTail);
    this.depth--;
    return { ends: outcome.ends.map(staying), isClosed: outcome.isClosed };
  }

  /** What serves: the last command in front, where the shell does not only wait for those in the background. */
  private besideBackground(background: readonly Statement[], last: Statement | undefined): readonly End[] {
    const isServer = last && !last.background && this.traps.length === 0 && isProgram(last.command);
    if (!isServer) return this.inBackground(background);
    const { ends } = this.inside(() => this.node(last.command, true));
    return ends.map((end) => ({ ...end, passing: 'swallows', why: 'it has started others in the background' }));
  }

  /** The server in the background: a trap may pass the signal on. */
  private inBackground(statements: readonly Statement[]): readonly End[] {
    const statement = statements.at(-1)!;
    const { ends } = this.inside(() => this.node(statement.command, true));
    const { passing, why, signal } = trappedPassing(this.traps, this.isErrexit ? 1 : this.waits);
    return ends.map((end) => ({ ...end, passing, why, signal }));
  }

  private inside<T>(look: () => T): T {
    const before = this.isNested;
    this.isNested = true;
    const outcome = look();
    this.isNested = before;
    return outcome;
  }

  /** `set -- node "$@"`, and the words that a function is called with. */
  private set(words: readonly string[]): void {
    this.parameters = this.parameters.map((each) => {
      if (words.includes('$@') && each === undefined) return undefined;
      return words.flatMap((word) => (word === '$@' ? each! : word));
    });
  }

  /** One for each of the lists that `"$@"` may stand for. */
  private each(
    node: Command,
    words: readonly string[],
    hasParameters: boolean,
    passing: Passing,
    why?: string,
    isExec = false,
  ): readonly End[] {
    const text = this.text.slice(node.pos, node.end).replace(/\s+/g, ' ');
    const line = this.text.slice(0, node.pos).split('\n').length;
    const of = (each: readonly string[]): End => ({ words: each, passing, why, isExec, text, line });
    if (!hasParameters) return [of(words)];
    const lists = this.parameters.length > 0 ? this.parameters : [undefined];
    return lists.map((parameters) =>
      of(words.flatMap((word) => (word === '$@' || word === '$*' ? (parameters ?? []) : word))),
    );
  }
}
