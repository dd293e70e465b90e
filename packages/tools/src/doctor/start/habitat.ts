import { dirname, posix } from 'node:path';
import { type Dockerfile, execForm } from '../read/dockerfile.js';
import { type PackageJson } from '../read/package-json.js';
import { anywhere, type Habitat, type ScriptText, type ShellKind } from './step.js';

/** What the files tell of a place beside its image. */
export interface Known {
  readonly packages: readonly PackageJson[];
  /** Scripts that were given as files, by path. */
  readonly scripts: ReadonlyMap<string, string>;
}

/** What is known of the place where an image's command, or one in its stead, runs. */
export function habitatOf(dockerfile: Dockerfile | undefined, known: Known, image?: string): Habitat {
  const packages = dockerfile ? nearest(dockerfile.file, known.packages) : known.packages;
  const shared = {
    packageScript: (name: string) => packageScript(packages, name),
    hasPackage: packages.length > 0,
    yarn: yarnOf(packages, dockerfile),
  };
  if (!dockerfile) {
    const shell = image === undefined ? 'unsaid' : shellOfBase(image);
    return {
      ...anywhere,
      ...shared,
      // An application's own image says nothing of its base, unless it is named after it.
      shell: shell === 'unknown' ? 'unsaid' : shell,
      scriptAt: (path) => givenScript(known.scripts, path),
    };
  }
  return {
    ...shared,
    shell: shellOf(dockerfile),
    hasOwnEntrypoint: isNodeImage(dockerfile.base) && !dockerfile.copies('docker-entrypoint.sh'),
    scriptAt: (path) => dockerfile.scriptAt(path) ?? givenScript(known.scripts, path),
  };
}

/** The program that a shell form is given to. */
export function shellFormOf({ shell }: Dockerfile): string {
  const words = shell && execForm(shell);
  return words?.join(' ') ?? '/bin/sh -c';
}

/** Reports whether this is an official image of node, whose entrypoint becomes what it is given. */
export function isNodeImage(base: string): boolean {
  return /^((docker\.io\/)?(library\/)?|.*\/library\/|public\.ecr\.aws\/docker\/library\/|.*\/(dockerhub|docker-hub|docker\.io)\S*\/)node(:|@|$)/.test(
    base,
  );
}

function shellOf({ base, built }: Dockerfile): ShellKind {
  const changed = built.findLast((each) =>
    /\bln\s+-\w*s\w*\s+\S*(bash|dash|busybox)\s+\/bin\/sh\b|reconfigure\s+dash/.test(each),
  );
  if (changed) return /dash\s+\/bin/.test(changed) ? 'dash' : /busybox/.test(changed) ? 'busybox' : 'bash';
  if (built.some((each) => /script[-_]shell/i.test(each))) return 'unknown';
  return shellOfBase(base);
}

/** What `/bin/sh` is in an image, told by its name and its tag. */
export function shellOfBase(image: string): ShellKind {
  const name = image.toLowerCase();
  if (/alpine|busybox|wolfi|chainguard/.test(name)) return 'busybox';
  if (
    /(^|[/_-])(ubi\d*|rhel\d*|centos|fedora|rockylinux|almalinux|oraclelinux|amazonlinux|archlinux|opensuse)\b|redhat\.com\//.test(
      name,
    )
  ) {
    return 'bash';
  }
  if (
    /^bitnami\/|^cimg\/|^circleci\/|puppeteer|playwright|bookworm|bullseye|buster|stretch|trixie|debian|ubuntu|jammy|noble|focal|bionic|(:|-)slim\b/.test(
      name,
    )
  )
    return 'dash';
  const [repository = '', tag = ''] = name.split('@')[0]!.split(/:(?=[^/]*$)/);
  if (!isNodeImage(repository) || /\$/.test(tag)) return 'unknown';
  return 'dash';
}

/** Yarn 1 comes with the image of node; a project says in several ways that it has another. */
function yarnOf(packages: readonly PackageJson[], dockerfile: Dockerfile | undefined): Habitat['yarn'] {
  for (const { packageManager = '' } of packages) {
    const [, major] = /^yarn@\D*(\d+)/.exec(packageManager) ?? [];
    if (major !== undefined) return Number(major) > 1 ? 'modern' : 'classic';
  }
  const signs = /yarn@(stable|berry|[2-9])|yarn set version|\.yarnrc\.yml|\.yarn(\/|\s|$)|YARN_VERSION[= ][2-9]/;
  if (dockerfile?.built.some((each) => signs.test(each))) return 'modern';
  return packages.length > 0 ? 'classic' : undefined;
}

/** Those of the folder that a Dockerfile stands in come first. */
function nearest(file: string, packages: readonly PackageJson[]): readonly PackageJson[] {
  const own = packages.filter((each) => dirname(each.file) === dirname(file));
  return own.length > 0 ? own : packages;
}

function packageScript(packages: readonly PackageJson[], name: string): ScriptText | undefined {
  for (const { scripts } of packages) {
    const field = scripts.get(name);
    if (field?.text !== undefined) return { text: field.text, at: field.place };
  }
  return undefined;
}

/** The one of the same path from its end on: all of it, or its name alone. */
function givenScript(scripts: ReadonlyMap<string, string>, path: string): ScriptText | undefined {
  const wanted = posix.basename(path);
  for (const [file, text] of scripts) {
    if (posix.basename(file) === wanted) return { text, at: { file, line: 1 } };
  }
  return undefined;
}
