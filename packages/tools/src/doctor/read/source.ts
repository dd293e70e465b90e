/**
 * What a text is.
 *
 * @publicApi
 */
export type SourceKind =
  | 'manifests'
  | 'dockerfile'
  | 'package'
  | 'pm2'
  | 'script'
  | 'program'
  | 'compose'
  | 'ecs'
  | 'fly'
  | 'render'
  | 'procfile'
  | 'systemd';

/**
 * One file, or standard input.
 *
 * @publicApi
 */
export interface Source {
  /** As findings name it. */
  readonly name: string;
  /** All of it. */
  readonly text: string;
  /** Left out: told by its name and its text. */
  readonly kind?: SourceKind;
}
