/** A query that is sent each time somebody waits for it, as those of query builders are. */
export class LazyQuery implements PromiseLike<string> {
  sent = 0;

  then<T, E>(
    fulfilled?: ((value: string) => T | PromiseLike<T>) | null,
    rejected?: ((error: unknown) => E | PromiseLike<E>) | null,
  ): PromiseLike<T | E> {
    this.sent++;
    return Promise.resolve('1 row').then(fulfilled, rejected);
  }
}
