/** Messages shown in the strip. */
const shown = 48;
/** In the order in which they were first seen, by any card: each has a colour of its own. */
const replicas = [];

/** What one connection has seen, and what it shows of it. */
export class Card {
  last = undefined;
  gaps = 0;
  doubles = 0;
  reconnects = 0;
  longestMs = 0;
  #receivedAt = undefined;
  #wasConnected = false;
  #element;

  constructor(id, title) {
    this.#element = document.getElementById('card').content.cloneNode(true).querySelector('.card');
    this.#element.id = id;
    this.#element.querySelector('h2').textContent = title;
    document.querySelector('main').append(this.#element);
    this.#state('connecting');
  }

  connected() {
    if (this.#wasConnected) this.reconnects++;
    this.#wasConnected = true;
    this.#state('connected');
    this.#show('reconnects', this.reconnects);
  }

  lost(state = 'reconnecting') {
    this.#state(state);
  }

  received({ n, replica }) {
    const missed = this.last === undefined ? 0 : n - this.last - 1;
    if (missed < 0) {
      this.#show('doubles', ++this.doubles);
      return;
    }
    this.gaps += missed;
    this.last = n;
    this.#wait();
    this.#show('last', n.toLocaleString('en').replaceAll(',', '\u2009'));
    this.#show('replica', replica);
    this.#show('gaps', this.gaps);
    this.#mark(replica, missed);
  }

  /** How long nobody saw a new number. */
  #wait() {
    const now = performance.now();
    if (this.#receivedAt !== undefined) this.longestMs = Math.max(this.longestMs, Math.round(now - this.#receivedAt));
    this.#receivedAt = now;
    this.#show('longestMs', `${this.longestMs} ms`);
  }

  /** One bar a message, in the colour of the replica that sent it. */
  #mark(replica, missed) {
    if (!replicas.includes(replica)) replicas.push(replica);
    const colour = String(replicas.indexOf(replica) % 4);
    this.#element.querySelector('.replica').dataset.colour = colour;
    const strip = this.#element.querySelector('.strip');
    const bar = document.createElement('li');
    bar.dataset.colour = colour;
    if (missed > 0) bar.dataset.missed = '';
    strip.append(bar);
    while (strip.children.length > shown) strip.firstChild.remove();
  }

  #state(state) {
    this.#element.dataset.state = state;
    this.#element.querySelector('.state').textContent = state;
  }

  #show(name, value) {
    const element = this.#element.querySelector(`[data-value="${name}"]`);
    element.textContent = value;
    element.dataset.isBad = String((name === 'gaps' || name === 'doubles') && value > 0);
  }
}
