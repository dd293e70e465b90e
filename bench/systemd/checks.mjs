/** What is promised, and whether it holds: a table. */
export class Checks {
  #rows = [];

  constructor(title) {
    console.log(`\n${title}\n\n| what | seen | as promised |\n| --- | --- | --- |`);
  }

  add(what, seen, holds) {
    this.#rows.push(holds);
    console.log(`| ${what} | ${String(seen).replaceAll('\n', ' ')} | ${holds ? 'yes' : '**no**'} |`);
  }

  /** Reports whether something is not as it is promised. */
  get areBroken() {
    return this.#rows.includes(false);
  }
}
