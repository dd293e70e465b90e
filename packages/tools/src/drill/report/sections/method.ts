import { html, type Markup } from '../html.js';

/** Why the figures can be believed, and what they do not say. */
export const method: Markup = html`<section aria-labelledby="method">
  <h2 id="method">How it was measured</h2>
  <ul class="method">
    <li>
      <strong>Open loop.</strong> Requests are due at a fixed rate, whatever the answers do. Latency is counted from
      when a request was due, not from when it could be sent, so that a stall is charged to every request it held up.
    </li>
    <li><strong>Strict.</strong> Nothing is retried. Connections are kept alive and used again, as a proxy’s are.</li>
    <li>
      <strong>What fails.</strong> A connection that is refused, reset or ends in the middle of an answer; an answer
      that is late, malformed, of the wrong length or has an unexpected status.
    </li>
    <li>
      <strong>The restart.</strong> One replica at a time: the successor becomes ready and goes into rotation, then the
      old one gets its signal. The balancer works as a Kubernetes Service does: connections stay where they are, and it
      learns late that a replica is not ready.
    </li>
    <li>
      <strong>The upper bound.</strong> With no failure in N requests, the true loss rate is below 3/N with 95 %
      confidence. More requests make it smaller.
    </li>
  </ul>
</section> `;
