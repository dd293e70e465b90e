/** An answer, the same over HTTP/1.1 and HTTP/2. */
export interface WholeAnswer {
  readonly statusCode: number;
  /** Without those that belong to the connection. */
  readonly headers: Readonly<Record<string, string | number>>;
  /** Left out in an answer to `HEAD`. */
  readonly body: string;
}
