/**
 * Takes turns over the parts of a mix, each as often as its weight says and evenly spread: weights 3 and 1 give
 * a a b a, not a a a b (nginx's smooth weighted round robin). Two runs ask the same things in the same order.
 */
export class RequestMix<Part extends { readonly weight?: number }> {
  private readonly credits: { readonly part: Part; readonly weight: number; credit: number }[];
  private readonly total: number;

  /**
   * `skip` sets several users of one mix apart from each other. Throws a `RangeError` for an empty mix or a bad weight.
   */
  constructor(parts: readonly Part[], skip = 0) {
    this.credits = parts.map((part) => ({ part, weight: weightOf(part), credit: 0 }));
    this.total = this.credits.reduce((sum, { weight }) => sum + weight, 0);
    if (this.credits.length === 0) throw new RangeError('A mix needs at least one request.');
    for (let turn = 0; turn < skip % this.total; turn++) this.next();
  }

  next(): Part {
    for (const entry of this.credits) entry.credit += entry.weight;
    const richest = this.credits.reduce((best, entry) => (entry.credit > best.credit ? entry : best));
    richest.credit -= this.total;
    return richest.part;
  }
}

function weightOf({ weight = 1 }: { readonly weight?: number }): number {
  if (Number.isInteger(weight) && weight >= 1) return weight;
  throw new RangeError(`A weight must be a positive whole number, got ${weight}.`);
}
