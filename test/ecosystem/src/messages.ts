/** Without the module, with it in both tracking modes, and with one difference that must be found. */
export type VariantName = 'bare' | 'routes' | 'interceptor' | 'control';

/** What the runner tells an application's process. */
export type ToServer = { readonly type: 'facts' | 'release' | 'close' } | StayAwake;

/** The process is to be awake for a second, and to say so then. */
export interface StayAwake {
  readonly type: 'awake';
  readonly number: number;
}

/** What an application's process tells the runner. */
export type FromServer =
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'held' | 'draining' }
  | StayAwake
  | { readonly type: 'facts'; readonly log: string[]; readonly unhandled: string[]; readonly warnings: string[] }
  | { readonly type: 'report'; readonly report: import('nestjs-drain').ShutdownReport };
